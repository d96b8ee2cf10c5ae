"""Opens pages in headless Chromium to see whether an attacker's script runs."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

SCRIPT = "document.documentElement.setAttribute('data-attacked','yes')"
"""What each attack of its category tries to run: the page then says so."""


def pages_that_run_scripts(pages: list[Path]) -> list[Path]:
    """Those of the pages in which `SCRIPT` ran, or that asked for anything of a network."""
    found = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        context = browser.new_context(offline=True)
        for path in pages:
            page = context.new_page()
            page.goto(path.as_uri())
            for element in page.query_selector_all("a[href^='javascript:' i]"):
                element.evaluate("link => link.click()")
            page.wait_for_timeout(50)
            if page.evaluate("document.documentElement.dataset.attacked"):
                found.append(path)
            page.close()
        browser.close()
    return found
