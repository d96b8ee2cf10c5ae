"""`{part-map}`: the parts of the book as a drawing with links, and the same in words.

book/parts.yml lists parts and chapters. Which of them exist, and under what title, is asked of
Sphinx, so the map cannot promise a page that is not there. The drawing comes twice, for a wide and
for a narrow screen; the style sheet shows one of them.
"""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass
from typing import Any

import toc
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

WIDE_BOX, NARROW_BOX, GAP, PAD = 212, 350, 26, 12
LINE, LINK_PAD = 18, 5  # a line of text; space above and below a link, so that a finger hits it
GLYPH = 7.8  # width of a letter in the widest common font


@dataclass(frozen=True)
class Part:
    """One part: its chapters that exist as (title, address), the others as titles."""

    title: str
    about: str
    needs: tuple[str, ...]
    place: tuple[int, int]
    ready: tuple[tuple[str, str], ...]
    planned: tuple[str, ...]


class PartMapNode(nodes.General, nodes.Element):
    """Placeholder for the map, filled when the titles of all pages are known."""


class PartMap(SphinxDirective):
    """`{part-map}`, without arguments."""

    def run(self) -> list[nodes.Node]:
        """Leave a placeholder and remember which page it is on."""
        self.env.note_dependency(str(toc.PARTS))
        map_pages(self.env).add(self.env.docname)
        return [PartMapNode()]


def map_pages(env: BuildEnvironment) -> set[str]:
    """Docnames of the pages that show the map."""
    if not hasattr(env, "part_map_pages"):
        env.part_map_pages = set()
    return env.part_map_pages


def existing(env: BuildEnvironment) -> dict[str, str]:
    """Titles of the chapters that exist, by docname."""
    return {
        name: title.astext()
        for name, title in env.titles.items()
        if name.count("/") == 3 and name.endswith("/index")
    }


def read_parts(app: Sphinx, page: str) -> list[Part]:
    """The parts as they stand, with addresses relative to a page.

    Raises:
        ExtensionError: a chapter of the book is missing in parts.yml.
    """
    titles = existing(app.env)
    parts, known = [], set()
    for entry in toc.read_parts():
        folder = f"book/{entry['folder']}"
        names = {f"{folder}/{slug}/index": title for slug, title in entry["chapters"].items()}
        known |= set(names)
        ready = [(titles[n], app.builder.get_relative_uri(page, n)) for n in names if n in titles]
        planned = [title for n, title in names.items() if n not in titles]
        parts.append(
            Part(
                title=entry["title"],
                about=entry["about"],
                needs=tuple(entry["needs"]),
                place=tuple(entry["place"]),
                ready=tuple(ready),
                planned=tuple(planned),
            )
        )
    missing = sorted(set(titles) - known)
    if missing:
        raise ExtensionError(f"book/parts.yml does not list {', '.join(missing)}; add it there")
    return parts


def plans(part: Part) -> str:
    """How much is planned, in words."""
    count = len(part.planned)
    if not part.ready:
        return f"{count} chapters, all planned"
    return f"{count} more planned" if count else "complete"


def box(part: Part, x: float, y: float, width: float, height: float, *, needs: bool) -> str:
    """One part as SVG: a frame, its title, a link for each chapter that exists, what is planned."""
    characters = int((width - 2 * PAD) / GLYPH)
    down = y + PAD + 12
    state = "ready" if part.ready else "planned"
    out = [
        f'<g class="{state}"><rect class="frame" x="{x}" y="{y}" width="{width}" '
        f'height="{height}" rx="8"/>',
        f'<text class="part" x="{x + PAD}" y="{down}">{html.escape(part.title)}</text>',
    ]
    down += 12
    for title, address in part.ready:
        lines = textwrap.wrap(title, characters)
        tall = LINE * len(lines) + 2 * LINK_PAD
        first = down + LINK_PAD + 13
        spans = "".join(
            f'<tspan x="{x + PAD}" y="{first + LINE * i}">{html.escape(line)}</tspan>'
            for i, line in enumerate(lines)
        )
        out.append(
            f'<a href="{html.escape(address)}" aria-label="{html.escape(title)}">'
            f'<rect class="target" x="{x + PAD - 6}" y="{down}" width="{width - 2 * PAD + 12}" '
            f'height="{tall}" rx="4"/><text>{spans}</text></a>'
        )
        down += tall
    notes = [plans(part)]
    if needs and part.needs:
        notes.append(f"Read before: {', '.join(part.needs)}")
    for note in notes:
        down += LINE
        out.append(f'<text class="note" x="{x + PAD}" y="{down}">{html.escape(note)}</text>')
    return "".join(out) + "</g>"


def box_height(part: Part, width: float, *, needs: bool) -> float:
    """Height of the box of a part."""
    characters = int((width - 2 * PAD) / GLYPH)
    links = sum(
        LINE * len(textwrap.wrap(title, characters)) + 2 * LINK_PAD for title, _ in part.ready
    )
    notes = 1 + int(needs and bool(part.needs))
    return PAD + 24 + links + LINE * notes + PAD


def arrow(start: tuple[float, float], end: tuple[float, float], size: tuple[float, float]) -> str:
    """Path from the box at `start` to the box at `end` (their upper left corners)."""
    (x0, y0), (x1, y1), (width, height) = start, end, size
    tip = 5  # the arrowhead ends at the frame
    if y0 == y1:
        return f"M{x0 + width},{y0 + height / 2}H{x1 - tip}"
    upwards = y1 < y0
    leave = y0 if upwards else y0 + height
    if x0 == x1:
        return f"M{x0 + width / 2},{leave}V{y1 + height + tip if upwards else y1 - tip}"
    middle, turn = y1 + height / 2, 10 if upwards else -10
    return f"M{x0 + width / 2},{leave}V{middle + turn}q0,{-turn} 10,{-turn}H{x1 - tip}"


def svg(name: str, width: float, height: float, label: str, content: str) -> str:
    """An inline SVG element whose links stay links."""
    return (
        f'<svg class="partmap partmap-{name}" viewBox="0 0 {width} {height}" role="group" '
        f'aria-label="{html.escape(label, quote=True)}">{content}</svg>'
    )


def in_words(parts: list[Part]) -> str:
    """What the arrows say."""
    sentences = [
        f"{part.title} builds on {' and '.join(part.needs)}" for part in parts if part.needs
    ]
    return "Map of the parts. " + ". ".join(sentences) + "."


def draw_wide(parts: list[Part]) -> str:
    """The parts on a grid, with an arrow from each part to those that build on it."""
    height = max(box_height(part, WIDE_BOX, needs=False) for part in parts)
    corner = {
        part.title: (1 + part.place[0] * (WIDE_BOX + GAP), 1 + part.place[1] * (height + GAP))
        for part in parts
    }
    arrows = "".join(
        f'<path class="arrow" marker-end="url(#partmap-tip)" '
        f'd="{arrow(corner[need], corner[part.title], (WIDE_BOX, height))}"/>'
        for part in parts
        for need in part.needs
    )
    tip = (
        '<defs><marker id="partmap-tip" viewBox="0 0 8 8" refX="3" refY="4" markerWidth="6" '
        'markerHeight="6" orient="auto"><path d="M0,0L8,4L0,8z"/></marker></defs>'
    )
    boxes = "".join(box(p, *corner[p.title], WIDE_BOX, height, needs=False) for p in parts)
    right = max(x for x, _ in corner.values()) + WIDE_BOX + 1
    bottom = max(y for _, y in corner.values()) + height + 1
    return svg("wide", right, bottom, in_words(parts), tip + arrows + boxes)


def draw_narrow(parts: list[Part]) -> str:
    """The parts below one another; what each builds on is written in its box."""
    down, boxes = 1.0, ""
    for part in parts:
        height = box_height(part, NARROW_BOX, needs=True)
        boxes += box(part, 1, down, NARROW_BOX, height, needs=True)
        down += height + 12
    return svg("narrow", NARROW_BOX + 2, down - 11, in_words(parts), boxes)


def words(parts: list[Part]) -> nodes.definition_list:
    """The parts as a list: what each is about, its chapters, what comes before."""
    items = nodes.definition_list(classes=["parts"])
    for part in parts:
        body = nodes.definition("", nodes.paragraph("", part.about))
        if part.ready:
            line = nodes.paragraph("", "", nodes.strong("", "To read now:"), nodes.Text(" "))
            for i, (title, address) in enumerate(part.ready):
                line += nodes.Text(", " if i else "")
                line += nodes.reference("", title, refuri=address, internal=True)
            body += line
        if part.planned:
            text = f"Planned: {'; '.join(part.planned)}."
            body += nodes.paragraph("", text, classes=["planned"])
        items += nodes.definition_list_item("", nodes.term("", part.title), body)
    return items


def fill(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Replace the placeholder by the drawings and the list."""
    for placeholder in list(doctree.findall(PartMapNode)):
        parts = read_parts(app, page)
        drawings = f'<div class="partmaps">{draw_wide(parts)}{draw_narrow(parts)}</div>'
        opened = "<details><summary>All chapters, written and planned</summary>"
        placeholder.replace_self(
            [
                nodes.raw("", drawings + opened, format="html"),
                words(parts),
                nodes.raw("", "</details>", format="html"),
            ]
        )


def rewrite_if_changed(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Ask Sphinx to write the map's page again when a chapter came, went or changed its title."""
    if getattr(env, "part_map_titles", None) == existing(env):
        return []
    env.part_map_titles = existing(env)
    return sorted(map_pages(env) & env.found_docs)


def merge(app: Sphinx, env: BuildEnvironment, docnames: set[str], other: BuildEnvironment) -> None:
    """Take over what a parallel reader found."""
    map_pages(env).update(map_pages(other) & docnames)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_node(PartMapNode)
    app.add_directive("part-map", PartMap)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", rewrite_if_changed)
    app.connect("doctree-resolved", fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
