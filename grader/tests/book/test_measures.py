"""What the build leaves about each chapter."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from . import small
from .test_execution import INDEX

CHAPTER = """\
---
description: A chapter of a few words, made to be measured by a test.
difficulty: 1
---
# One title

Two words and $a + b = c$, a formula.

```{code-cell} ipython3
total = sum(i for i in range(3_000_000))
print(total)
```

```{code-cell} ipython3
from IPython.display import HTML
HTML('<div class="interactive"></div>')
```

```{exercise}
*Difficulty 2.* Prove it.
```

```{exercise}
Prove that.
```

:::{check-question}
Is it asked?

- [x] yes

  It is.
- [ ] no

  It is not.
:::

## Sources
"""


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> small.SmallBook:
    monkeypatch.setitem(small.SETTINGS, "nb_execution_mode", "cache")
    pages = {"index.md": INDEX, "book/rl/one/index.md": CHAPTER}
    return small.SmallBook(tmp_path, pages, "chapter")


def test_a_chapter_is_measured_and_what_it_took_is_kept(book: small.SmallBook) -> None:
    def measures() -> dict:
        return dict(json.loads((book.html.parent / "measures/rl/one.json").read_text()))

    assert book.build() == ""
    found = measures()
    assert found["code_lines"] == 4
    assert found["code_columns"] == len("total = sum(i for i in range(3_000_000))")
    assert found["words_before_drawing"] == 2 + 6, "the title and the sentence"
    assert found["explorables"] == 1
    assert (found["exercises"], found["exercises_with_difficulty"]) == (2, 1)
    assert found["check_questions"] == 1
    assert found["sections"] == ["One title", "Sources"]
    assert (found["diagrams"], found["torch"], found["assignment"]) == (False, False, False)
    assert found["cpu_seconds"] > 0
    book.write({"book/rl/one/index.md": CHAPTER.replace("Two words", "These two words")})
    assert book.build() == ""
    assert measures() == found | {"words": found["words"] + 1, "words_before_drawing": 2 + 7}
