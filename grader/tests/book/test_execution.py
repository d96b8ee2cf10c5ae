"""Chapters run before Sphinx reads them, several at once, each once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import execution
import pytest
from sphinx.errors import ExtensionError

from . import small

INDEX = "# Book\n\n```{toctree}\n:glob:\n\nbook/*/*/index\n```\n"
CHAPTER = """\
---
description: A chapter of one cell, made to be run by a test.
difficulty: 1
---
# TITLE

Text.

```{code-cell} ipython3
print("first cell")
```

```{code-cell} ipython3
:tags: [hide-input]

x = 1
CODE
```
"""


def chapter(title: str, code: str) -> str:
    return CHAPTER.replace("TITLE", title).replace("CODE", code)


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> small.SmallBook:
    monkeypatch.setitem(small.SETTINGS, "nb_execution_mode", "cache")
    monkeypatch.setitem(small.SETTINGS, "nb_execution_raise_on_error", True)
    monkeypatch.setattr(execution, "cores", lambda: 2)
    pages = {
        f"book/rl/{name}/index.md": chapter(name, f"print('ran', '{name}'.upper())")
        for name in ("one", "two", "three")
    }
    return small.SmallBook(tmp_path, {"index.md": INDEX, **pages}, "chapter")


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the chapters that were run."""
    names: list[str] = []
    run = execution.run

    async def noted(page: Path, *arguments: Any) -> Any:
        names.append(page.parent.name)
        return await run(page, *arguments)

    monkeypatch.setattr(execution, "run", noted)
    return names


def test_a_chapter_runs_when_its_code_changed_and_only_then(
    book: small.SmallBook, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*arguments: Any, **settings: Any) -> None:
        raise AssertionError("myst-nb ran a chapter itself")

    monkeypatch.setattr("myst_nb.core.execute.cache.single_nb_execution", never)
    assert book.build() == ""
    assert sorted(ran) == ["one", "three", "two"]
    assert "ran TWO" in book.page("book/rl/two/index")
    assert "Last executed with Python 3" in book.page("book/rl/two/index")
    ran.clear()
    assert book.build() == ""
    book.write({"book/rl/two/index.md": chapter("Two", "print('ran', 'two'.upper())")})
    assert book.build() == ""
    assert ran == []
    assert "<h1>Two" in book.page("book/rl/two/index")
    book.write({"book/rl/two/index.md": chapter("Two", "print(6 * 7)")})
    assert book.build() == ""
    assert ran == ["two"]
    assert "42" in book.page("book/rl/two/index")


def test_a_chapter_that_stops_is_named_with_its_cell_and_the_others_run(
    book: small.SmallBook, ran: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    book.write(
        {
            "book/rl/one/index.md": chapter("one", "y = 1 / (x - 1)"),
            "book/rl/two/index.md": chapter("two", "import os\nos._exit(3)"),
        }
    )
    with pytest.raises(ExtensionError) as raised:
        book.build()
    said = str(raised.value)
    assert said.startswith("2 chapters stopped:")
    assert re.search(r"one/index.md, line 13, code cell 2: ZeroDivisionError: division", said)
    assert "\n    y = 1 / (x - 1)" in said
    assert re.search(r"two/index.md, line 13, code cell 2: its kernel died", said)
    assert len(said.splitlines()) == 5
    assert sorted(ran) == ["one", "three", "two"]
    ran.clear()
    book.write({f"book/rl/{n}/index.md": chapter(n, "print(1)") for n in ("one", "two")})
    assert book.build() == ""
    assert sorted(ran) == ["one", "two"]


def test_a_change_of_a_library_runs_those_chapters_again_that_import_it(
    book: small.SmallBook, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    book.write({"book/rl/one/index.md": chapter("one", "import numpy")})
    assert book.build() == ""
    ran.clear()
    known = execution.complete.__globals__["version_of"]
    monkeypatch.setitem(
        execution.complete.__globals__,
        "version_of",
        lambda name: "99" if name == "numpy" else known(name),
    )
    assert book.build() == ""
    assert ran == ["one"]
