"""What every page promises, what every chapter offers, and what the first page shows."""

from __future__ import annotations

import html
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator

from .conftest import ROOT, Visit

sys.path += [str(ROOT / "book" / "extensions"), str(ROOT / "book" / "kit")]
import toc

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
FILES = [TOC["root"], *(c["file"] for part in TOC["parts"] for c in part["chapters"])]
CHAPTERS = [name for name in FILES if name.endswith("/index") and name != TOC["root"]]
PAGES = [f"{name}.html" for name in FILES] + ["search.html"]
PILOTS = {
    "Bayesian probability",
    "Attention and the Transformer",
    "Variational autoencoders",
    "Dynamic programming",
    "Direct preference optimization",
}


def text_of(site: Path, name: str) -> str:
    return (site / f"{name}.html").read_text(encoding="utf-8")


def test_these_tests_know_every_page(site: Path) -> None:
    built = {
        p.relative_to(site).as_posix()
        for p in site.rglob("*.html")
        if not {"_static", "_downloads"} & set(p.relative_to(site).parts)
    }
    assert built - {"index.html"} == set(PAGES)  # index.html sends to book/index.html


@pytest.mark.parametrize(
    ("visit", "shown"),
    [((1280, "light"), "wide"), ((1280, "dark"), "wide"), ((390, "light"), "narrow")],
    indirect=["visit"],
)
def test_map_names_and_links_the_chapters(visit: Visit, shown: str) -> None:
    visit.open("book/index.html")
    page = visit.page
    drawing = page.locator(f"svg.partmap-{shown}")
    assert page.locator("svg.partmap:visible").count() == 1
    assert "Alignment builds on Transformers" in (drawing.get_attribute("aria-label") or "")
    names = [link.get_attribute("aria-label") for link in drawing.locator("a").all()]
    assert set(names) >= PILOTS
    assert len(names) == len(CHAPTERS)
    sizes = drawing.evaluate(
        "e => [...e.querySelectorAll('text')].map(t => parseFloat(getComputedStyle(t).fontSize)"
        " * e.getBoundingClientRect().width / e.viewBox.baseVal.width)"
    )
    assert min(sizes) > 12
    spilled = drawing.evaluate(
        """e => [...e.querySelectorAll('g')].flatMap(g => {
          const frame = g.querySelector('.frame').getBoundingClientRect();
          return [...g.querySelectorAll('text')].map(t => [t, t.getBoundingClientRect()])
            .filter(([t, b]) => b.right > frame.right || b.bottom > frame.bottom)
            .map(([t]) => t.textContent);
        })"""
    )
    assert spilled == []
    assert visit.troubles == []


def test_map_is_used_by_keyboard(visit: Visit) -> None:
    visit.open("book/index.html")
    page = visit.page
    links = page.locator("svg.partmap-wide a")
    for _ in range(60):
        page.keyboard.press("Tab")
        if links.first.evaluate("e => e === document.activeElement"):
            break
    outline = links.first.locator(".target").evaluate("e => getComputedStyle(e).strokeWidth")
    assert float(outline.removesuffix("px")) >= 2
    name = links.first.get_attribute("aria-label") or ""
    page.keyboard.press("Enter")
    page.wait_for_url("**/book/*/*/index.html")
    assert name in page.locator("h1").inner_text()
    assert visit.troubles == []


def test_planned_chapters_are_shown_as_planned(site: Path) -> None:
    listed = toc.read_parts()
    slugs = {f"book/{part['folder']}/{slug}/index" for part in listed for slug in part["chapters"]}
    assert set(CHAPTERS) <= slugs
    captions = [part["caption"] for part in TOC["parts"]]
    titles = [part["title"] for part in listed]
    assert [caption for caption in captions if caption in titles] == [
        title for title in titles if title in captions
    ]
    page = html.unescape(text_of(site, "book/index"))
    planned = " ".join(re.findall(r'<p class="planned">(.*?)</p>', page, re.DOTALL))
    for part in listed:
        for slug, title in part["chapters"].items():
            assert (title in planned) != (f"book/{part['folder']}/{slug}/index" in CHAPTERS)


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapter_says_what_it_takes_and_leads_on(site: Path, name: str) -> None:
    page = text_of(site, name)
    assert re.search(
        r"About \d+ minutes to read(, \d+ more with what is folded)? · difficulty [1-5] of 5", page
    )
    assert "<strong>You need</strong>" in page
    assert re.search(r"Last executed with Python 3\.\d+", page)
    footer = page[page.index("prev-next-footer") :]
    assert 'class="left-prev"' in footer
    assert 'class="right-next"' in footer


@pytest.mark.parametrize("name", CHAPTERS)
def test_kit_of_explorables_is_loaded_before_the_script_of_a_chapter(site: Path, name: str) -> None:
    scripts = re.findall(r'<script[^>]* src="[^"]*_static/([^"?]+)', text_of(site, name))
    own = next(i for i, script in enumerate(scripts) if script.startswith("figures/"))
    assert scripts[own - 3 : own] == ["figure.js", "figure-grid.js", "figure-plot.js"]
    assert "figure.js" not in text_of(site, "book/glossary")


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_interactive_figure_moves_by_keyboard(visit: Visit, name: str) -> None:
    visit.open(f"{name}.html")
    figures = visit.page.locator(".interactive").all()
    assert figures
    for figure in figures:
        assert figure.get_attribute("aria-label")
        assert figure.locator(".interactive-still:visible").count() == 0
        sliders = figure.locator("input[type=range]:visible").all()
        assert sliders
        for slider in sliders:
            before = figure.inner_html()
            slider.focus()
            start = slider.input_value()
            at_end = slider.evaluate("e => Number(e.value) >= Number(e.max)")
            for _ in range(3):
                visit.page.keyboard.press("ArrowLeft" if at_end else "ArrowRight")
            assert slider.input_value() != start
            assert figure.inner_html() != before, "the slider moved and nothing else did"
    assert visit.troubles == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_interactive_figure_has_a_still(site: Path, name: str) -> None:
    """That it is seen without scripts, and only then, is a test of the kit."""
    stills = text_of(site, name).split('<div class="interactive-still">')[1:]
    assert stills
    for still in stills:
        assert re.match(r'\s*(<svg class="bookfigure"|<div class="heatgrids"|<table )', still)


def test_every_linked_term_has_a_definition_to_show(site: Path) -> None:
    script = (site / "_static" / "terms-data.js").read_text(encoding="utf-8")
    known = json.loads(script.removeprefix("window.bookTerms = ").rstrip().rstrip(";"))
    assert len(known) > 50
    assert "href" not in script
    for name in FILES:
        linked = re.findall(
            r'href="[^"]*#(term-[^"]+)"><span class="xref std std-term', text_of(site, name)
        )
        assert set(linked) <= set(known), name
        assert linked or name not in CHAPTERS


@pytest.fixture
def term(visit: Visit) -> Iterator[Locator]:
    """The first term of a chapter."""
    visit.open(f"{CHAPTERS[-1]}.html")
    yield visit.page.locator("article a:has(> .std-term)").first
    assert visit.troubles == []


def test_term_is_explained_on_hover_until_the_pointer_leaves(visit: Visit, term: Locator) -> None:
    page, tip = visit.page, visit.page.locator("#term-tip")
    place = "() => [document.documentElement.scrollHeight, document.querySelector('h2').offsetTop]"
    before = page.evaluate(place)
    term.hover()
    tip.wait_for(state="visible")
    assert len(tip.inner_text()) > 40
    assert page.evaluate(place) == before
    tip.hover()
    page.wait_for_timeout(400)
    assert tip.is_visible()
    page.mouse.move(5, 5)
    tip.wait_for(state="hidden")


@pytest.mark.parametrize("visit", [(1280, "dark"), (390, "light")], indirect=True)
def test_term_is_explained_on_focus_until_escape(visit: Visit, term: Locator) -> None:
    page, tip = visit.page, visit.page.locator("#term-tip")
    term.evaluate("e => { e.scrollIntoView({block: 'center'}); }")
    term.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    tip.wait_for(state="visible")
    page.wait_for_function("document.activeElement.getAttribute('aria-describedby') === 'term-tip'")
    box = tip.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= page.evaluate("window.innerWidth")
    found = Axe().run(page, "#term-tip", {"preload": False}).response["violations"]
    assert [v["id"] for v in found if v["impact"] in {"serious", "critical"}] == []
    page.keyboard.press("Escape")
    tip.wait_for(state="hidden")
    assert term.get_attribute("aria-describedby") is None
    assert term.evaluate("e => e === document.activeElement")


def test_ledger_holds_at_least_25_printed_results_and_each_chapter_has_some(site: Path) -> None:
    ledger = text_of(site, "book/ledger")
    found = re.search(r"(\d+) results printed in the source", ledger)
    assert found
    assert int(found[1]) >= 25
    for name in CHAPTERS:
        badges = re.findall(r'<span id="(reproduced-[^"]+)">', text_of(site, name))
        assert badges, name
        assert [anchor for anchor in badges if f"#{anchor}" not in ledger] == []
