"""What every page promises, seen in a browser that opens each page once."""

from __future__ import annotations

import gzip
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from . import standard
from .conftest import ROOT, Visit
from .cut import counted, cuts

TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
FILES = [TOC["root"], *(c["file"] for part in TOC["parts"] for c in part["chapters"])]
PAGES = [f"{name}.html" for name in FILES] + ["search.html"]
CHAPTERS = [path for path in PAGES if path.count("/") == 3]
MODEL = "book/rl/dynamic-programming/index.html"
LONG = os.environ.get("GRADER_LONG") == "1"

UNNAMED = "img:not([alt]), img[alt=''], svg.bookfigure:not([aria-label], [aria-hidden])"
AXE = {"resultTypes": ["violations"], "preload": False}
# What MathJax draws is hidden from screen readers, which read the MathML beside it.
ALL = {"exclude": [["mjx-math"]]}
# Code and grids have the same colours on all pages, and take four fifths of axe's time: code is
# examined on pages that are no chapters, grids on the model.
NO_CODE = {"exclude": [["mjx-math"], [".highlight"], [".heatgrid"], ["svg"]]}
GRIDS = {"exclude": [["mjx-math"], [".highlight"], ["svg"]]}
KINDS = frozenset(
    f"{what} {how}"
    for what in ("code", "output", "table", "equation", "text")
    for how in ("to scroll", "cut off", "under its number")
)
AT_390 = frozenset(f"{kind} at 390" for kind in KINDS)


@cache
def changed_folders() -> frozenset[str]:
    """Folders in which this branch differs from the main one, or the last commit from its parent.

    Empty where there is no repository.
    """

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False
        )
        return done.stdout if done.returncode == 0 else ""

    base = git("merge-base", "origin/main", "HEAD").strip()
    if not base or base == git("rev-parse", "HEAD").strip():
        base = "HEAD~1"
    return frozenset(str(Path(name).parent) for name in git("diff", "--name-only", base).split())


def schemes_to_examine(path: str) -> list[str]:
    """In which schemes axe examines a page.

    Chapters share a layout: the model is examined in both schemes, any other in one if its folder
    changed. Each other page has a layout of its own and is examined in one, by turns; the page for
    instructors, with code, in both.
    """
    if LONG or path in {MODEL, "book/instructors.html"}:
        return ["light", "dark"]
    if path in CHAPTERS and str(Path(path).parent) not in changed_folders():
        return []
    return [("light", "dark")[PAGES.index(path) % 2]]


@dataclass
class Sight:
    """What was seen on a page."""

    path: str
    troubles: list[str] = field(default_factory=list)
    loaded: set[str] = field(default_factory=set)
    headings: int = 0
    description: str = ""
    unnamed: int = 0
    broken: int = 0
    first_stop: str = ""
    cut: list[tuple[str, str]] = field(default_factory=list)
    cut_narrow: list[tuple[str, str]] = field(default_factory=list)
    narrow_widths: tuple[int, int] = (0, 0)
    text_width: float = 0
    violations: list[str] = field(default_factory=list)


def examine(tab: Visit, path: str, scheme: str) -> list[str]:
    """Serious violations that axe finds, all unfolded."""
    what = ALL if LONG or path not in CHAPTERS else GRIDS if path == MODEL else NO_CODE
    # colours that are still on their way from one scheme to the other have any contrast
    tab.page.add_style_tag(content="* { transition: none !important }")
    # code that scrolls stands in the table of what is waiting
    waits = "code to scroll" in standard.WAITING.get(standard.docname_of(path), {})
    tab.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    tab.page.wait_for_function(f"document.documentElement.dataset.theme === '{scheme}'")
    response: dict[str, Any] = Axe().run(tab.page, context=what, options=AXE).response
    return [
        f"{scheme}: {violation['id']}: {node['target']} {node.get('failureSummary', '')[:200]}"
        for violation in response["violations"]
        if violation["impact"] in {"serious", "critical"}
        and not (waits and violation["id"] == "scrollable-region-focusable")
        for node in violation["nodes"][:3]
    ]


def see(tab: Visit, path: str) -> Sight:
    """Open a page, and look at it at 1280 and at 390 pixels."""
    seen, page = Sight(path), tab.page
    page.on("request", lambda request: seen.loaded.add(request.url))
    tab.open(path)
    page.wait_for_load_state("load")
    page.evaluate("() => document.fonts.ready.then(() => true)")
    seen.headings = page.locator("h1").count()
    seen.description = page.locator('meta[name="description"]').get_attribute("content") or ""
    seen.unnamed = page.locator(f"article :is({UNNAMED})").count()
    seen.broken = page.locator("article :is(mjx-merror, .problematic)").count()
    page.keyboard.press("Tab")
    seen.first_stop = page.evaluate("document.activeElement.hash || ''")
    seen.cut = cuts(page, 1280)
    schemes = schemes_to_examine(path)
    if "dark" in schemes:
        seen.violations += examine(tab, path, "dark")
    seen.cut_narrow = cuts(page, 390)
    seen.narrow_widths = tuple(page.evaluate("[document.documentElement.scrollWidth, innerWidth]"))
    seen.text_width = page.evaluate(
        "document.querySelector('article p')?.getBoundingClientRect().width ?? innerWidth"
    )
    if "light" in schemes:
        seen.violations += examine(tab, path, "light")
    seen.troubles = tab.troubles
    return seen


@pytest.fixture(scope="module", params=PAGES)
def sight(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Sight]:
    """A page that was opened once for all tests of this file."""
    tab = Visit(browser, address, width=1280, scheme="light")
    yield see(tab, request.param)
    tab.context.close()


@cache
def compressed(path: Path) -> int:
    """Bytes of a file as a server sends it."""
    return len(gzip.compress(path.read_bytes(), 6))


def test_page_loads_without_trouble(sight: Sight) -> None:
    assert sight.troubles == []
    assert sight.headings == 1
    assert sight.broken == 0, "a formula or a reference that could not be set"


def test_page_is_described_and_skipped_into(sight: Sight) -> None:
    assert len(sight.description) > 20
    assert sight.unnamed == 0, "a picture without a text alternative"
    assert sight.first_stop == "#main-content"


def test_page_is_light_to_load(sight: Sight, site: Path) -> None:
    urls = (url for url in sight.loaded if url.startswith("http"))
    files = {unquote(urlparse(url).path).lstrip("/") for url in urls}
    assert sight.path in files
    weights = {"kB to load": round(sum(compressed(site / name) for name in files) / 1000)}
    name, kinds = standard.docname_of(sight.path), frozenset(weights)
    assert standard.complaints(name, standard.over_budget(weights), kinds=kinds) == []


def test_nothing_is_cut_off_or_scrolls_at_1280_pixels(sight: Sight) -> None:
    name = standard.docname_of(sight.path)
    found = standard.complaints(name, counted(sight.cut, scrolling=True), kinds=KINDS)
    assert found == [], sight.cut


def test_nothing_is_cut_off_at_390_pixels(sight: Sight) -> None:
    width, room = sight.narrow_widths
    assert width <= room, "the page is wider than the screen"
    assert sight.text_width > 300
    kinds = counted(sight.cut_narrow, scrolling=False)
    found = {f"{kind} at 390": count for kind, count in kinds.items()}
    name = standard.docname_of(sight.path)
    assert standard.complaints(name, found, kinds=AT_390) == [], sight.cut_narrow


def test_page_has_no_serious_accessibility_violation(sight: Sight) -> None:
    assert sight.violations == []


def test_axe_examines_every_layout_and_the_model_in_both_schemes() -> None:
    assert schemes_to_examine(MODEL) == ["light", "dark"]
    others = [path for path in PAGES if path not in CHAPTERS]
    assert all(schemes_to_examine(path) for path in others)
    assert {scheme for path in others for scheme in schemes_to_examine(path)} == {"light", "dark"}
