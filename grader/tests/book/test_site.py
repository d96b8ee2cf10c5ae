"""The built site as files: nothing leaks, nothing is loaded from elsewhere, every page is sound."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from .conftest import ROOT

CANARY = re.compile(rb"pta-hidden-canary-[a-z0-9]+", re.IGNORECASE)
LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
CHAPTERS = sorted(
    p.relative_to(ROOT).with_suffix("").as_posix() for p in (ROOT / "book").glob("*/*/index.md")
)


class PageReader(HTMLParser):
    """Collects what the tests ask about a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def pages(site: Path) -> dict[str, PageReader]:
    return {
        p.relative_to(site).as_posix(): PageReader(p.read_text(encoding="utf-8"))
        for p in sorted(site.rglob("*.html"))
        if "_static" not in p.parts
    }


def test_hidden_tests_appear_nowhere(site: Path) -> None:
    sources = list((ROOT / "solutions").glob("*/*.md"))
    tokens = {t.lower() for p in sources for t in CANARY.findall(p.read_bytes())}
    if not sources:
        pytest.skip("there is no solutions/*/*.md in this tree")
    assert tokens, "no solution carries a planted token"
    leaks = [
        p for p in site.rglob("*") if p.is_file() and b"pta-hidden-canary" in p.read_bytes().lower()
    ]
    assert leaks == []


def test_only_pages_of_the_table_of_contents_are_built(site: Path) -> None:
    foreign = [
        p
        for p in [*site.rglob("*.html"), *(site / "_sources").rglob("*")]
        if {"solutions", "exercises", "grader"} & set(p.relative_to(site).parts)
    ]
    assert foreign == []


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    loaded = [
        f"{name}: {attributes[key]}"
        for name, page in pages(site).items()
        for tag, key in LOADS.items()
        for attributes in page.all(tag)
        if re.match(r"(https?:)?//", attributes.get(key) or "")
        and attributes.get("rel") != "canonical"
    ]
    assert loaded == []


def test_every_page_has_one_heading_and_a_description(site: Path) -> None:
    faults = []
    for name, page in pages(site).items():
        if not name.startswith("book/"):
            continue
        described = [m for m in page.all("meta") if m.get("name") == "description"]
        if len(page.all("h1")) != 1 or len(described) != 1 or not described[0].get("content"):
            faults.append(name)
        if page.all("html")[0].get("lang") != "en":
            faults.append(f"{name}: lang")
    assert faults == []


def test_every_image_has_a_text_alternative(site: Path) -> None:
    faults = [
        f"{name}: {image.get('src')}"
        for name, page in pages(site).items()
        for image in page.all("img")
        if not (image.get("alt") or "").strip() and image.get("role") != "presentation"
    ]
    faults += [
        f"{name}: a drawn figure without a label"
        for name, page in pages(site).items()
        for drawing in page.all("svg")
        if "bookfigure" in (drawing.get("class") or "") and not drawing.get("aria-label")
    ]
    assert faults == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_assignment_can_be_downloaded(site: Path, chapter: str) -> None:
    slug = Path(chapter).parent.name
    notebook = ROOT / "exercises" / slug / f"{slug}.ipynb"
    if not notebook.exists():
        pytest.skip(f"{slug} is not released in this tree")
    page = site / f"{chapter}.html"
    reader = PageReader(page.read_text(encoding="utf-8"))
    links = [a.get("href") or "" for a in reader.all("a") if "download" in (a.get("class") or "")]
    targets = [
        page.parent / link for link in links if re.search(rf"_downloads/.*/{slug}\.ipynb$", link)
    ]
    assert targets
    assert targets[0].read_bytes() == notebook.read_bytes()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_downloaded_chapter_starts_in_an_empty_folder(
    site: Path, chapter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(chapter).parent
    notebook = nbformat.read(site / "_sources" / folder / f"{folder.name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    # The build has run the rest; what only this copy has are the helpers and the first imports.
    assert code[0].id == "kit"
    start = nbformat.v4.new_notebook(cells=code[:2], metadata=notebook.metadata)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(start, timeout=120, kernel_name="python3", resources=resources).execute()
