"""One chapter, and the search, in headless Chromium with no network but the local server."""

from __future__ import annotations

from .conftest import Visit

CHAPTER = "book/rl/dynamic-programming/index.html"


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


def test_dark_page_has_no_white_sheet_behind_an_output(browser, address: str) -> None:
    tab = Visit(browser, address, width=1280, scheme="dark")
    tab.open(CHAPTER)
    colours = tab.page.evaluate(
        "() => [...document.querySelectorAll('.cell_output .text_html')]"
        ".map(e => getComputedStyle(e).backgroundColor)"
    )
    assert set(colours) == {"rgba(0, 0, 0, 0)"}
    tab.context.close()
