"""The ledger: a wrong number stops the build, a right one is listed and stays listed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from .conftest import ROOT, build_book

sys.path.append(str(ROOT / "book" / "kit"))
import reproduced as kit

CONFIG = f"""\
title: A tiny book
only_build_toc_files: true
execute: {{execute_notebooks: cache, raise_on_error: true}}
bibtex_bibfiles: [references.bib]
sphinx:
  local_extensions: {{chapter: {ROOT}/book/extensions, ledger: {ROOT}/book/extensions}}
"""
TOC = "{format: jb-book, root: index, chapters: [{file: chapter}, {file: sources}]}\n"
BIB = "@book{primes, author={Eratosthenes, E.}, title={Primes}, year={1900}, publisher={None}}\n"
CHAPTER = """\
---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# Chapter

```{code-cell} ipython3
CODE
```
"""
RIGHT = """\
from reproduced import reproduced
reproduced(
    "Smallest primes", cite="primes", where="Table 1", tolerance=0.5,
    expected=[2, 3, 5], ours=[2.25, 3, 5], spread=0.125, seeds=8,
)"""
FORGED = """\
from IPython.display import HTML
HTML('<b data-reproduced="{&quot;label&quot;: &quot;x&quot;, &quot;expected&quot;: 1, '
     '&quot;ours&quot;: 2, &quot;tolerance&quot;: 0.1}">x</b>')"""


def tiny_book(folder: Path, code: str) -> Path:
    """A book of a ledger page, one chapter with this code, and a bibliography."""
    texts = {
        "_config.yml": CONFIG,
        "_toc.yml": TOC,
        "references.bib": BIB,
        "index.md": "# Ledger\n\n```{ledger}\n```\n",
        "sources.md": "# Sources\n\n```{bibliography}\n:all:\n```\n",
        "chapter.md": CHAPTER.replace("CODE", code),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_ledger_lists_a_right_number_until_its_chapter_changes(tmp_path: Path) -> None:
    book = tiny_book(tmp_path, RIGHT)
    for attempt in ("first build", "no change", "other page changed"):
        if attempt == "other page changed":
            with (book / "index.md").open("a", encoding="utf-8") as page:
                page.write("\nMore text.\n")
        result = build_book(book)
        assert result.returncode == 0, (attempt, result.stdout[-3000:])
        ledger = (book / "_build/html/index.html").read_text(encoding="utf-8")
        assert "Smallest primes" in ledger, attempt
        assert "Eratosthenes (1900)" in ledger, attempt
        assert "2.2" in ledger, attempt
        assert "0.12 (8 seeds)" in ledger, attempt
        assert 'href="chapter.html#reproduced-smallest-primes"' in ledger, attempt
    tiny_book(tmp_path, RIGHT.replace("Smallest primes", "First primes"))
    assert build_book(book).returncode == 0
    ledger = (book / "_build/html/index.html").read_text(encoding="utf-8")
    assert "First primes" in ledger
    assert "Smallest primes" not in ledger


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (RIGHT.replace("2.25", "2.75"), "more than the tolerance 0.5"),
        (RIGHT.replace("2.25", "float('nan')"), "every number must be finite"),
        (RIGHT.replace('"primes"', '"squares"'), "not in the bibliography"),
        (RIGHT + RIGHT.removeprefix("from reproduced import reproduced"), "declared twice"),
        (FORGED, "more than its tolerance"),
    ],
    ids=["wrong", "not finite", "unknown source", "twice", "wrong entry in an output"],
)
def test_bad_number_fails_the_build(tmp_path: Path, code: str, message: str) -> None:
    result = build_book(tiny_book(tmp_path, code))
    assert result.returncode != 0
    logs = "".join(p.read_text() for p in (tmp_path / "_build").rglob("*.err.log"))
    assert message in result.stdout + logs


def test_difference_is_strict_about_shape_and_finiteness() -> None:
    assert kit.largest_difference([1, 2], [1, 2.5]) == 0.5
    for expected, ours in (([1, 2], 1), ([], []), ([1], [np.inf]), ([[1]], [1])):
        with pytest.raises(ValueError, match=r"shape|no number|finite"):
            kit.largest_difference(expected, ours)


def test_tolerance_includes_its_boundary_and_nothing_more() -> None:
    assert kit.within(kit.largest_difference(-1.7, -1.75), 0.05)
    assert not kit.within(0.0501, 0.05)
    assert not kit.within(float("nan"), 0.05)


def test_numbers_are_shown_without_negative_zero() -> None:
    assert kit.format_values([[-0.001, -1], [2, 3]], 1) == "0.0 \u22121.0\n2.0 3.0"
    assert kit.printed_decimals([0.16, 0.4]) == 2
    assert kit.printed_decimals([-14, 3]) == 0
