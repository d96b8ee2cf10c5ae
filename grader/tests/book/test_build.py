"""What a build leaves: a stamp of its sources, and no page of a chapter that left."""

from __future__ import annotations

from pathlib import Path

import build
import pytest

TOC = """\
root: book/index
parts:
  - caption: One
    chapters:
      - file: book/one/first/index
"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course with one chapter, and a site that has one more."""
    texts = {
        "_config.yml": "",
        "_toc.yml": TOC,
        "requirements.txt": "",
        "book/one/first/index.md": "# First",
        "exercises/first/first.ipynb": "{}",
        "_build/html/search.html": "",
        "_build/html/index.html": "",
        "_build/html/_sources/book/one/first/index.md": "",
        "_build/html/_sources/book/one/gone/index.md": "",
    }
    for name in ("index", "one/first/index", "one/gone/index"):
        texts[f"_build/html/book/{name}.html"] = ""
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "_build" / "book.stamp").write_text(build.digest(tmp_path))
    return tmp_path


def test_a_page_that_left_the_contents_leaves_the_site(course: Path) -> None:
    build.remove_old_pages(course)
    html = course / "_build" / "html"
    assert sorted(p.relative_to(html).as_posix() for p in html.rglob("*.html")) == [
        "book/index.html",
        "book/one/first/index.html",
        "index.html",
        "search.html",
    ]
    assert [p.name for p in (html / "_sources/book/one").iterdir()] == ["first"]


@pytest.mark.parametrize(
    "name", ["book/one/first/index.md", "book/one/first/new.js", "exercises/first/first.ipynb"]
)
def test_a_site_is_up_to_date_until_a_source_changes(course: Path, name: str) -> None:
    (course / "book/one/first/__pycache__").mkdir()
    (course / "book/one/first/__pycache__/x.pyc").write_text("x")
    assert build.up_to_date(course)
    (course / name).write_text("other")
    assert not build.up_to_date(course)


def test_a_site_without_a_stamp_or_an_end_is_not_up_to_date(course: Path) -> None:
    (course / "_build/html/search.html").unlink()
    assert not build.up_to_date(course)
    (course / "_build/html/search.html").write_text("")
    (course / "_build/book.stamp").unlink()
    assert not build.up_to_date(course)
