"""The built book in headless Chromium with no network but the local server."""

from __future__ import annotations

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe

from .conftest import ROOT, Visit

CHAPTER = "book/rl/dynamic-programming/index.html"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
FILES = [TOC["root"], *(c["file"] for part in TOC["parts"] for c in part["chapters"])]
PAGES = [f"{name}.html" for name in FILES]
AXE = {"resultTypes": ["violations"]}


@pytest.mark.parametrize("path", PAGES)
def test_page_loads_without_trouble(visit: Visit, path: str) -> None:
    visit.open(path)
    assert visit.page.locator("h1").count() == 1
    assert visit.troubles == []


def test_chapter_has_formulas_figures_and_reproduced_numbers(visit: Visit) -> None:
    visit.open(CHAPTER)
    page = visit.page
    assert page.locator("mjx-container").count() > 100
    assert page.locator("mjx-merror").count() == 0
    assert page.locator("article span.problematic").count() == 0
    drawings = page.locator("svg.bookfigure")
    assert drawings.count() >= 3
    for i in range(drawings.count()):
        box = drawings.nth(i).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) > 100
    assert page.locator("table.heatgrid").count() >= 8
    assert page.locator("details.reproduced").count() >= 5
    assert visit.troubles == []


def test_solutions_open(visit: Visit) -> None:
    visit.open(CHAPTER)
    solution = visit.page.locator(".solution.dropdown").first
    answer = solution.locator("p").nth(1)
    assert not answer.is_visible()
    solution.locator(".admonition-title").click()
    answer.wait_for(state="visible")
    assert visit.troubles == []


def test_search_finds_the_chapter(visit: Visit) -> None:
    visit.open("search.html?q=policy+iteration")
    result = visit.page.locator("#search-results a", has_text="Dynamic programming").first
    result.wait_for(state="visible")
    assert CHAPTER in (result.get_attribute("href") or "")
    assert visit.troubles == []


@pytest.mark.parametrize("visit", [(390, "light")], indirect=True)
@pytest.mark.parametrize("path", PAGES)
def test_narrow_page_does_not_overflow(visit: Visit, path: str) -> None:
    visit.open(path)
    page = visit.page
    page.evaluate("document.querySelectorAll('article details').forEach(d => { d.open = true; })")
    page.locator("h1").wait_for(state="visible")
    page.wait_for_function("document.documentElement.scrollWidth <= window.innerWidth")
    text = page.locator("article p").first.bounding_box()
    assert text is not None
    assert text["width"] > 300


@pytest.mark.parametrize("visit", [(390, "light"), (1280, "dark")], indirect=True)
@pytest.mark.parametrize("path", PAGES)
def test_no_serious_accessibility_violation(visit: Visit, path: str) -> None:
    visit.open(path)
    visit.page.wait_for_load_state("load")
    results = Axe().run(visit.page, options=AXE).response["violations"]
    serious = [
        f"{violation['id']}: {node['target']} {node.get('failureSummary', '')[:200]}"
        for violation in results
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"][:3]
    ]
    assert serious == []


def test_dark_page_has_no_white_sheet_behind_an_output(browser, address: str) -> None:
    tab = Visit(browser, address, width=1280, scheme="dark")
    tab.open(CHAPTER)
    colours = tab.page.evaluate(
        "() => [...document.querySelectorAll('.cell_output .text_html')]"
        ".map(e => getComputedStyle(e).backgroundColor)"
    )
    assert set(colours) == {"rgba(0, 0, 0, 0)"}
    tab.context.close()
