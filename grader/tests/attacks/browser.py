"""Opens pages in headless Chromium to see whether an attacker's script runs."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Error, Page, sync_playwright

SCRIPT = "document.documentElement.dataset.attacked=1"
"""What each attack of its category tries to run: the page then says so."""

_LIBRARY = "window.$ = window.jQuery = () => ({});"
"""Stands for the library that nbgrader's pages fetch, without which their own scripts stop."""


def pages_that_run_scripts(pages: list[Path]) -> list[Path]:
    """Those of the pages in which `SCRIPT` ran, or that led somewhere else by themselves."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        context = browser.new_context(offline=True)
        context.add_init_script(_LIBRARY)
        found = [path for path in pages if _runs_script(context.new_page(), path)]
        browser.close()
    return found


def _runs_script(page: Page, path: Path) -> bool:
    try:
        page.goto(path.as_uri())
        for element in page.query_selector_all("a[href^='javascript:' i]"):
            element.evaluate("link => link.click()")
        page.wait_for_timeout(50)
        return page.url != path.as_uri() or bool(
            page.evaluate("document.documentElement.dataset.attacked")
        )
    except Error:  # the page was left while it was looked at
        return True
    finally:
        page.close()
