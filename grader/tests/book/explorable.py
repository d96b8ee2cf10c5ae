"""A page with one explorable, as the book makes it, opened from a file: no server, no build."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page

from .conftest import ROOT

sys.path.append(str(ROOT / "book" / "kit"))
import interactive as kit

STATIC = ROOT / "book" / "static"
SCRIPTS = ("figure.js", "figure-grid.js", "figure-plot.js")
SCHEMES = {
    "light": "--pst-color-text-base: #222832; --pst-color-text-muted: #48566b; --ground: #fff;"
    "--pst-color-surface: #f3f4f5; --pst-color-primary: #1259c3; --pst-color-border: #c9c9c9;",
    "dark": "--pst-color-text-base: #ced6dd; --pst-color-text-muted: #9ca4af; --ground: #14181e;"
    "--pst-color-surface: #29313d; --pst-color-primary: #3fb1c5; --pst-color-border: #48566b;",
}
PAGE = """\
<!doctype html><html lang="en"><meta charset="utf-8"><title>Page</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="{static}/figure.css"><style>
:root {{ {scheme} }}
body {{ background: var(--ground); color: var(--pst-color-text-base); font: 16px/1.5 sans-serif;
  margin: 1rem auto; max-width: 730px; padding: 0 1rem; }}
.visually-hidden {{ clip: rect(0 0 0 0); height: 1px; overflow: hidden; position: absolute;
  width: 1px; }}
svg.bookfigure {{ height: auto; max-width: 100%; }}
</style><main class="bd-article"><h1>Page</h1>{body}</main>{scripts}</html>
"""


def markup(monkeypatch: pytest.MonkeyPatch, name: str, **options: Any) -> str:
    """The HTML that `interactive(name, ...)` shows."""
    shown: list[dict[str, str]] = []
    monkeypatch.setattr(kit, "display", lambda data, raw: shown.append(data))
    kit.interactive(name, **options)
    return shown[0]["text/html"]


def write_page(folder: Path, body: str, script: str = "", scheme: str = "light") -> str:
    """Write a page that runs a chapter's script after the kit; return its address."""
    (folder / "own.js").write_text(script, encoding="utf-8")
    files = [*(STATIC / name for name in SCRIPTS), folder / "own.js"]
    scripts = "".join(f'<script defer src="{file.as_uri()}"></script>' for file in files)
    page = PAGE.format(static=STATIC.as_uri(), scheme=SCHEMES[scheme], body=body, scripts=scripts)
    (folder / "page.html").write_text(page, encoding="utf-8")
    return (folder / "page.html").as_uri()


@contextmanager
def opened(browser: Browser, address: str, width: int = 1280, **options: Any) -> Iterator[Page]:
    """The page in a tab of its own; an exception on it that `troubles` does not expect fails."""
    context = browser.new_context(viewport={"width": width, "height": 900}, **options)
    page = context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(address)
    page.troubles = troubles  # type: ignore[attr-defined]
    yield page
    context.close()


def readout(page: Page) -> str:
    """What the explorable says."""
    return page.locator(".interactive-readout").inner_text()


def slider(page: Page, name: str) -> Locator:
    """A slider or a point to drag, by its name."""
    return page.get_by_role("slider", name=name, exact=True)
