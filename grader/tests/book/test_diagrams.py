"""Diagrams: every kind that the chapters need can be read, on a phone and on a dark page too."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser

from .conftest import ROOT
from .diagram_examples import EXAMPLES, Diagram, Tree
from .explorable import opened, write_page

sys.path.append(str(ROOT / "book" / "extensions"))
import notebooks

LAID_OUT = """() => [...document.querySelectorAll('svg.bookfigure')].map(svg => {
  const place = e => {
    const b = e.getBoundingClientRect();
    return [b.left, b.top, b.right, b.bottom];
  };
  const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  return {
    name: svg.getAttribute('aria-label'), frame: place(svg),
    words: [...svg.querySelectorAll('text')].map(t => [t.textContent, ...place(t)]),
    sizes: [...svg.querySelectorAll('text')]
      .map(t => parseFloat(getComputedStyle(t).fontSize) * scale),
    colours: [...new Set([...svg.querySelectorAll('text')].map(t => getComputedStyle(t).fill))],
    ink: getComputedStyle(svg).color,
  };
})"""


def drawn(make: Callable[[], Diagram]) -> str:
    return make().svg(name=make.__name__.replace("_", "-"), alt=make.__name__)


@pytest.mark.parametrize("make", EXAMPLES)
def test_a_diagram_is_svg_that_stands_beside_others(make: Callable[[], Diagram]) -> None:
    text = drawn(make)
    root = ET.fromstring(text)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == make.__name__
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert all(name.startswith(f"diagram-{make.__name__.replace('_', '-')}-") for name in ids)
    assert "currentColor" in text
    assert "#010203" not in text
    assert len(text) < 60_000
    assert drawn(make) == text


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (374, "dark")])
def test_words_are_large_enough_inside_and_apart(
    browser: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    body = "".join(drawn(make) for make in EXAMPLES)
    with opened(browser, write_page(tmp_path, body, scheme=scheme), width) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = page.evaluate(LAID_OUT)
    assert len(found) == len(EXAMPLES)
    for diagram in found:
        name, (left, top, right, bottom) = diagram["name"], diagram["frame"]
        assert diagram["words"], name
        assert min(diagram["sizes"]) >= 11, name
        assert diagram["colours"] == [diagram["ink"]], name
        for word, *box in diagram["words"]:
            assert left <= box[0] <= box[2] <= right, (name, word)
            assert top <= box[1] <= box[3] <= bottom, (name, word)
        for i, (word, *one) in enumerate(diagram["words"]):
            for other_word, *other in diagram["words"][:i]:
                across = min(one[2], other[2]) - max(one[0], other[0])
                along = min(one[3], other[3]) - max(one[1], other[1])
                assert across < 1 or along < 5, (name, word, other_word)


def test_parts_stand_where_they_were_put() -> None:
    drawing = Diagram(gap=20)
    first = drawing.box("first")
    below = drawing.box("below", below=first)
    assert below.y + below.height / 2 == first.y - first.height / 2 - 20
    right = drawing.circle("x", right_of=[first, below], gap=5)
    assert right.y == (first.side("above")[1] + below.side("below")[1]) / 2
    assert right.side("left")[0] == max(first.side("right")[0], below.side("right")[0]) + 5
    assert drawing.between(first, below).y == first.side("below")[1] - 10


def test_a_box_is_as_large_as_its_text() -> None:
    drawing = Diagram()
    small, large = drawing.box("a"), drawing.box("a much longer text\nin two lines", at=(0, 90))
    assert large.width > 2 * small.width
    assert large.height > small.height


def test_a_parent_stands_in_the_middle_above_its_children() -> None:
    tree = Tree("root", [Tree("one"), Tree("a wide one", [Tree("x"), Tree("y")]), Tree("three")])
    drawing = Diagram()
    drawing.tree(tree, at=(7, 3))
    one, _, three = (child.part for child in tree.children)
    assert (tree.part.x, tree.part.y) == (7, 3)
    assert one.x + three.x == pytest.approx(14)
    for left, right in zip(tree.children, tree.children[1:], strict=False):
        assert left.part.side("right")[0] < right.part.side("left")[0]
    assert {child.part.y for child in tree.children} == {3 - 68}


def wide() -> Diagram:
    drawing = Diagram()
    drawing.chain("a long name", "a long name", "a long name", "a long name")
    return drawing


def titled(**options: Any) -> None:
    drawing = Diagram()
    drawing.box("a")
    drawing.svg(**options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: wide().svg(name="w", alt="Wide."), "letters would be too small on a phone"),
        (lambda: titled(name="n", alt=" "), "needs alt="),
        (lambda: Diagram().svg(name="n", alt="Nothing."), "is empty"),
        (lambda: Diagram().box("a", at=(0, 0), below=None), "by one of at, right_of"),
        (lambda: Diagram().box("a", beside=3), "by one of at, right_of"),
        (lambda: Diagram().matrix(1, 1, values=[[2.0]]), "between 0 and 1"),
    ],
)
def test_what_a_diagram_refuses(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_an_arrow_has_a_known_route() -> None:
    drawing = Diagram()
    one, other = drawing.chain("one", "other", arrows=False)
    with pytest.raises(ValueError, match="no route 'zigzag'"):
        drawing.arrow(one, other, route="zigzag")


def test_a_notebook_brings_the_whole_kit_of_a_diagram(tmp_path: Path) -> None:
    cells = [nbformat.v4.new_code_cell("from diagrams import Diagram\n\nd = Diagram()")]
    made = notebooks.with_kit(nbformat.v4.new_notebook(cells=cells))
    sources = json.dumps([cell.source for cell in made.cells] + ["assert d.box('a').width > 0"])
    program = f"import json\nfor cell in json.loads({sources!r}): exec(cell, globals())"
    command = [sys.executable, "-I", "-c", program]  # -I: nothing of the repository on the path
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
