"""The length of a chapter: what is counted, what is folded, and the time that it takes."""

from __future__ import annotations

import pickle
from pathlib import Path

import length
import nbformat
import pytest
from docutils import nodes
from length import Length

from .small import SmallBook, notebook
from .test_ledger import RIGHT, SOURCES, executed

TEXT = """\
# One title

Two words and $a + b = c$, a formula.

- a list
- of two

:::{check-question}
Is this asked?

- [x] yes it is

  Explained in four words.
- [ ] no

  Wrong.
:::

$$
a = b
$$

| in | a |
|---|---|
| table | cell |
"""
EXERCISE = """\
```{exercise}
:label: ex
Prove that now.
```

```{solution} ex
:class: dropdown
It was proved before.
```
"""


@pytest.fixture
def measured(tmp_path: Path):
    """Lengths of the page of a chapter with these cells."""

    def of(*cells) -> tuple[Length, Length]:
        pages = {"chapter.ipynb": notebook(*cells), "sources.md": SOURCES}
        book = SmallBook(tmp_path, pages, "boxes", "ledger")
        assert book.build() == ""
        saved = (tmp_path / "doctrees" / "chapter.doctree").read_bytes()
        return length.length_of(pickle.loads(saved))

    return of


def test_text_is_counted_where_it_stands(measured) -> None:
    seen, folded = measured(TEXT)
    counted = {"title": 2, "sentence": 6, "list": 4, "question": 3, "options": 4, "table": 4}
    assert seen == Length(words=sum(counted.values()), equations=1)
    assert folded == Length(words=5)


def test_exercises_count_and_their_solutions_are_folded(measured) -> None:
    seen, folded = measured("# Title\n\n" + EXERCISE)
    assert seen.words == 1 + 1 + 3, "two titles and the exercise"
    assert folded.words > 3


def test_code_counts_and_what_it_prints_does_not(measured) -> None:
    printed = nbformat.v4.new_output("stream", name="stdout", text="a\nb\nc\n")
    comparison = executed(RIGHT)
    seen, folded = measured("# Title", ("x = 1\n\nprint(x)", [printed]), comparison)
    assert seen == Length(words=1, code_lines=2)
    assert folded == Length()


def test_time_is_rounded_to_five_minutes() -> None:
    assert Length(words=4000, equations=30, code_lines=150).minutes == 40
    page = nodes.document(None, None)
    page += nodes.paragraph("", "word " * 3000)
    assert length.reading_time(page) == "About 15 minutes to read"
    page += nodes.container("", nodes.paragraph("", "word " * 900), classes=["dropdown"])
    assert length.reading_time(page) == ("About 15 minutes to read, 5 more with what is folded")
