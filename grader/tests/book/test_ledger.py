"""The ledger: a wrong number stops the build, a right one is listed and stays listed."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ledger
import nbformat
import numpy as np
import pytest
import reproduced as kit
from cells import only_reproduces
from nbformat import NotebookNode
from playwright.sync_api import Browser
from sphinx.errors import ExtensionError

from .small import SmallBook, notebook

RIGHT = """\
reproduced(
    "Smallest primes", cite="primes", where="Table 1", expected=["2", "3", "5"], ours=[2.25, 3, 5],
)"""
SECOND = """\
reproduced(
    "Their mean", cite="primes", where="Table 2", kind="formula", expected="10/3", ours=10 / 3,
)"""
SAME_PLACE = """\
reproduced("Rest", cite="primes", where="Table 1", expected="0.00012", ours=0.000123)"""
SOURCES = "# Sources\n\n```{bibliography}\n:all:\n```\n"
LEDGER = "# Ledger\n\n```{ledger}\n```\n\n```{toctree}\n:glob:\n\nc*\nsources\n```\n"


def executed(code: str) -> tuple[str, list[NotebookNode]]:
    """A code cell with what it showed, without a kernel."""
    shown: list[NotebookNode] = []

    def display(data: dict[str, Any], *, raw: bool) -> None:
        assert raw
        shown.append(nbformat.v4.new_output("display_data", data))

    def printing(text: str) -> None:
        shown.append(nbformat.v4.new_output("stream", name="stdout", text=text))

    before, kit.display = kit.display, display
    try:
        exec(code, {"reproduced": kit.reproduced, "np": np, "print": printing})
    finally:
        kit.display = before
    return code, shown


def small_book(folder: Path, *cells: str | tuple[str, list[NotebookNode]]) -> SmallBook:
    """A ledger, a chapter with these cells, and a bibliography."""
    pages = {
        "index.md": LEDGER,
        "sources.md": SOURCES,
        "chapter.ipynb": notebook("# Chapter", *cells),
    }
    return SmallBook(folder, pages, "ledger")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> SmallBook:
    mixed = executed(f"print('before')\n{RIGHT.replace('Smallest', 'First')}\nprint('after')")
    made = small_book(
        tmp_path_factory.mktemp("ledger"),
        executed(f"{RIGHT.replace('3', '3.5')}\n{SAME_PLACE}\n{SECOND}"),
        mixed,
    )
    assert made.build() == ""
    return made


def test_ledger_lists_a_right_number_until_its_chapter_changes(tmp_path: Path) -> None:
    book = small_book(tmp_path, executed(RIGHT))
    for attempt in ("first build", "no change", "other page changed"):
        if attempt == "other page changed":
            book.write({"index.md": LEDGER + "\nMore text.\n"})
        assert book.build() == "", attempt
        page = book.page("index")
        assert "Smallest primes" in page, attempt
        assert "Eratosthenes &amp; van der Sieve (1900)" in page, attempt
        assert "0.5: half a unit of the last digit given" in page, attempt
        assert 'href="chapter.html#reproduced-smallest-primes"' in page, attempt
        assert "1 result printed in the source (3 numbers); 1 chapter." in page, attempt
    cell = executed(RIGHT.replace("Smallest primes", "First primes"))
    book.write({"chapter.ipynb": notebook("# Chapter", cell)})
    assert book.build() == ""
    assert "First primes" in book.page("index")
    assert "Smallest primes" not in book.page("index")


def test_kinds_are_shown_and_counted_apart(book: SmallBook) -> None:
    page = book.page("index")
    assert (
        "3 results printed in the source (7 numbers), 1 result by evaluating a formula of the "
        "source; 1 chapter." in page
    )
    assert '<span class="kind-formula">by formula</span>' in page


def test_calls_of_a_cell_become_one_folded_line_with_its_code(book: SmallBook) -> None:
    page = book.page("chapter")
    folds = re.findall(r'<details class="reproduced">.*?</details>', page, re.DOTALL)
    assert len(folds) == 2
    summary = re.search(r"<summary>(.*?)</summary>", folds[0], re.DOTALL)
    assert summary
    text = re.sub(r"<[^>]+>", "", summary[1])
    assert text == (
        "Reproduced: Eratosthenes &amp; van der Sieve (1900) Table 1 ✓ by formula, Table 2 ✓"
    )
    assert '<span id="reproduced-smallest-primes"></span><span id="reproduced-rest">' in summary[1]
    assert "Largest difference 0.000003, tolerance 0.000005" in folds[0]
    assert "cell_input" in folds[0], "the code of a cell that does nothing else is folded with it"
    assert "cell_input" not in folds[1]
    assert page.index("before") < page.index(folds[1]) < page.rindex("after")
    assert kit.ENTRY_ATTRIBUTE not in page


def test_code_is_hidden_until_the_line_is_opened(book: SmallBook, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((book.html / "chapter.html").as_uri())
    code = page.locator("details.reproduced .cell_input")
    assert code.count() == 1
    assert not code.is_visible()
    page.locator("summary").first.click()
    assert code.is_visible()
    context.close()


@pytest.mark.parametrize(
    ("source", "folded"),
    [
        (RIGHT, True),
        (f"from reproduced import reproduced\nONE = [1, 2]\nfor k in ONE:\n    {SECOND}", True),
        (f"x = solve()\n{RIGHT}", False),
        (f"{RIGHT}\nprint(1)", False),
        ("x = 1", False),
    ],
)
def test_a_cell_is_folded_if_it_does_nothing_else(source: str, folded: bool) -> None:
    source = source.replace("    reproduced(\n    ", "    reproduced(")
    assert only_reproduces(source) is folded


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e.update(ours=[2, 3, 6]), "more than the tolerance 0.5"),
        (lambda e: e.update(ours=[2, 3, float("nan")]), "every number must be finite"),
        (lambda e: e.update(cite="squares"), "not in the bibliography"),
        (lambda e: e.update(kind="guess"), "is no kind of number"),
        (lambda e: e.pop("rule"), "rule"),
    ],
    ids=["wrong", "not finite", "unknown source", "unknown kind", "incomplete"],
)
def test_bad_entry_in_an_output_stops_the_build(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    code, (output,) = executed(RIGHT)
    entry = json.loads(html.unescape(ledger.ENTRY.search(output.data["text/html"])[1]))
    change(entry)
    data = html.escape(json.dumps(entry))
    output.data["text/html"] = f'<b {kit.ENTRY_ATTRIBUTE}="{data}">x</b>'
    with pytest.raises(ExtensionError, match=message):
        small_book(tmp_path, (code, [output])).build()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (RIGHT, "declared twice"),
        (
            SECOND.replace("Their mean", "Another"),
            "repeats the numbers of 'Their mean'; once is enough",
        ),
    ],
)
def test_nothing_is_counted_twice(tmp_path: Path, more: str, message: str) -> None:
    book = small_book(tmp_path, executed(f"{RIGHT}\n{SECOND}"), executed(more))
    with pytest.raises(ExtensionError, match=message):
        book.build()


def refused(**changes: Any) -> str:
    """What `reproduced` says of a call, "" if nothing."""
    call = {"cite": "primes", "where": "Table 1", "expected": "0.64", "ours": 0.6449} | changes
    before, kit.display = kit.display, lambda data, raw: None
    try:
        kit.reproduced("A number", **call)
    except (kit.NotReproducedError, ValueError) as error:
        return str(error)
    finally:
        kit.display = before
    return ""


def test_tolerance_is_half_a_unit_of_each_last_printed_digit() -> None:
    assert refused() == ""
    assert refused(ours=0.645) == "", "the boundary belongs to it"
    assert "the difference 0.0051 is more than the tolerance 0.005" in refused(ours=0.6451)
    assert refused(expected=["1.8", "0.002"], ours=[1.84, 0.0024]) == ""
    assert "0.002" in refused(expected=["1.8", "0.002"], ours=[1.84, 0.0026])
    assert refused(expected="26 %", ours=0.2612) == ""
    assert refused(expected="26 %", ours=0.2662) != ""
    assert refused(expected="1,826,214", ours=1826214.4) == ""
    assert refused(expected="\N{MINUS SIGN}1.7", ours=-1.75) == ""
    assert refused(expected="2/3", ours=2 / 3) == ""
    assert refused(expected="2/3", ours=0.6667) != ""
    assert refused(expected=41, ours=41.4) == ""
    assert refused(expected=[[0.5, 1]], decimals=1, ours=[[0.52, 1.06]]) != ""


def test_spread_widens_the_tolerance_by_a_stated_multiple() -> None:
    assert refused(ours=0.7, spread=0.02, seeds=5) == ""
    assert refused(ours=0.7, spread=0.02, seeds=5, spreads=2) != ""
    assert "seeds=" in refused(spread=0.02)
    assert "not both" in refused(spread=0.02, seeds=5, tolerance=1, because="x")


def test_proper_entries_only() -> None:
    assert "decimals=" in refused(expected=0.64)
    assert "more than 1 decimals" in refused(expected=0.64, decimals=1)
    assert refused(expected=0.6412, ours=0.6412, decimals=2, kind="formula") == ""
    assert "needs its reason" in refused(tolerance=0.1)
    assert refused(tolerance=0.1, because="read from a curve", ours=0.7) == ""
    assert "no kind of number" in refused(kind="guess")
    assert "all 0" in refused(expected=["0.0", "0"], ours=[0, 0])
    assert "shape" in refused(expected=["1", "2"], ours=1)
    assert "no number to compare" in refused(expected=[], ours=[])
    assert "finite" in refused(ours=np.inf)
    assert "'about 3' is not a printed number" in refused(expected="about 3")
    assert "place in the source" in refused(where=" ")


def test_ours_is_shown_with_one_digit_more() -> None:
    assert kit.show_like("0.64", 0.63999) == "0.640"
    assert kit.show_like("26 %", 0.2612) == "26.1 %"
    assert kit.show_like("-1.0", -0.001) == "0.00"
    assert kit.show_like("41", 41.0) == "41"
    assert kit.show_like("1,826,214", 1826214.25) == "1,826,214.2"
    assert kit.lines_of(["-1", "2", "3", "4"], [2, 2]) == ["\N{MINUS SIGN}1 2", "3 4"]
    assert kit.lines_of(["1"] * 40, [40])[-1] == "and 10 more"


@pytest.mark.parametrize("width", [1280, 390])
def test_ledger_fits(tmp_path: Path, browser: Browser, width: int) -> None:
    long = "np.full((6, 10), 123.45)"
    cell = executed(
        f"reproduced('A rather long label of a large matrix', cite='primes', where='Figure 12.34, "
        f"upper left', decimals=2, expected={long}, ours={long}, spread=0.1, seeds=5)"
    )
    book = small_book(tmp_path, cell)
    book.build()
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto((book.html / "index.html").as_uri())
    page.add_style_tag(path=str(Path(ledger.BOOK) / "static" / "ledger.css"))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.get_by_text("tolerance", exact=False).count() > 0
    context.close()
