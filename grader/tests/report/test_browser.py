"""The pages in headless Chromium, as people open them."""

from __future__ import annotations

import shutil

import pytest

from grader.report.classreport import render_class
from grader.report.feedback import render_feedback
from grader.split.outcomes import Outcome
from grader.tests.report.samples import (
    PNG,
    checked_cell,
    code_cell,
    display,
    executed,
    graded,
    markdown_cell,
    notebook,
    stream,
    submission,
)
from grader.tests.report.test_class import CLASS

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's package chromium")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Opens HTML at a width; gives the page and all that it complained of or asked for."""
    contexts = []

    def open_page(html, width=1200):
        file = tmp_path / "page.html"
        file.write_text(html, encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900})
        contexts.append(context)
        page, noise = context.new_page(), []
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on(
            "request",
            lambda r: None if r.url.startswith(("file:", "data:")) else noise.append(r.url),
        )
        page.goto(file.as_uri())
        return page, noise

    yield open_page
    for context in contexts:
        context.close()


def long_feedback():
    wide = "x = " + "1 + " * 200 + "1"
    cells = executed(
        markdown_cell(
            "# Title\n\n| a | b |\n|---|---|\n| " + "w" * 300 + " | 2 |\n\n$" + "x" * 300 + "$"
        ),
        code_cell(wide, "step1", [stream("y" * 400), display(image_png=PNG)]),
        checked_cell(),
    )
    book = notebook(graded(Outcome.FAILED, message="m" * 300, title="t" * 200), executed=cells)
    return render_feedback(submission(book), book, show_messages=True)


@pytest.mark.parametrize("width", [1200, 390])
def test_pages_fit_the_window_and_ask_for_nothing(opened, width):
    for html in (long_feedback(), render_class("planning", CLASS)):
        page, noise = opened(html, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert noise == []


def test_an_image_is_drawn(opened):
    page, _ = opened(long_feedback())
    assert page.evaluate("document.querySelector('img').naturalWidth") == 1


def test_the_class_table_sorts(opened):
    page, noise = opened(render_class("planning", CLASS))

    def students():
        return page.locator(".students tbody tr td:first-child").all_inner_texts()

    page.get_by_role("button", name="Score").click()
    assert students()[0] == "kurt"
    page.get_by_role("button", name="Score").click()
    assert students()[0] == "ada"
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("Score")
    page.get_by_role("button", name="Student").click()
    assert students() == ["ada", "emmy", "kurt", "sofia"]
    assert noise == []
