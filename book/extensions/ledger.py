"""The ledger: every number of a source that a chapter reproduces, on one page.

A chapter declares a number with `reproduced(...)` (book/kit/reproduced.py), which leaves the entry
in the cell's HTML output. This extension finds the entries when Sphinx has read the chapter,
whether its code ran or its outputs came from the execution cache. It checks each once more, folds
the calls of a cell into one line of badges, keeps the entries in the environment (so that a rebuild
without changes still knows them), and fills `{ledger}`.
"""

from __future__ import annotations

import html
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml
from cells import only_reproduces
from citations import authors_and_year
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

BOOK = Path(__file__).resolve().parents[1]
sys.path.append(str(BOOK / "kit"))
import reproduced as kit  # noqa: E402  (book/kit is on the path only now)

COLUMNS = ("Number and its source", "The source has", "Ours", "Tolerance")
COUNTED = {
    "printed": "printed in the source",
    "formula": "by evaluating a formula of the source",
    "software": "by another program",
}
ENTRY = re.compile(rf'{kit.ENTRY_ATTRIBUTE}="([^"]*)"')
Entry = dict[str, Any]


class LedgerNode(nodes.General, nodes.Element):
    """Placeholder for the tables, filled when every chapter has been read."""


class ReproducedNode(nodes.General, nodes.Element):
    """Placeholder for one folded line of badges, with its `entries`; may hold the cell's code."""


class Ledger(SphinxDirective):
    """`{ledger}`: all reproduced numbers of the book, chapter by chapter."""

    def run(self) -> list[nodes.Node]:
        """Leave a placeholder and remember which page it is on."""
        pages(self.env).add(self.env.docname)
        return [LedgerNode()]


def entries(env: BuildEnvironment) -> dict[str, list[Entry]]:
    """Entries by docname, kept in the pickled environment."""
    if not hasattr(env, "ledger_entries"):
        env.ledger_entries = {}
    return env.ledger_entries


def pages(env: BuildEnvironment) -> set[str]:
    """Docnames of the pages that show the ledger."""
    if not hasattr(env, "ledger_pages"):
        env.ledger_pages = set()
    return env.ledger_pages


def declared(node: nodes.Node) -> list[Entry]:
    """Entries in the code outputs below a node, in order."""
    return [
        json.loads(html.unescape(match))
        for raw in node.findall(nodes.raw)
        for match in ENTRY.findall(raw.astext())
    ]


def check(found: Iterable[Entry], docname: str) -> None:
    """Raise ExtensionError for an entry that is off, or one that stands twice in a chapter."""
    anchors: set[str] = set()
    seen: dict[tuple[str, ...], str] = {}
    for entry in found:
        try:
            kit.check(entry)
        except (KeyError, ValueError, AssertionError) as error:
            raise ExtensionError(f"{docname}: reproduced number: {error}") from error
        label, anchor = entry["label"], kit.slug(entry["label"])
        if anchor in anchors:
            raise ExtensionError(f"{docname}: the label {label!r} is declared twice")
        anchors.add(anchor)
        numbers = (*entry["expected"], *(f"{x:.9g}" for x in entry["ours"]))
        if numbers in seen:
            raise ExtensionError(
                f"{docname}: {label!r} repeats the numbers of {seen[numbers]!r}; once is enough"
            )
        seen[numbers] = label


def part(cell: nodes.Element, name: str) -> nodes.Element | None:
    """The child of a code cell that holds its source or its outputs."""
    for child in cell.children:
        if isinstance(child, nodes.Element) and child.get("nb_element") == f"cell_code_{name}":
            return child
    return None


def fold_cell(cell: nodes.Element) -> None:
    """Replace what `reproduced` showed by lines of badges, and a cell that does nothing else."""
    source, output = part(cell, "source"), part(cell, "output")
    if source is None or output is None or not declared(output):
        return
    children: list[nodes.Node] = []
    for reproduces, group in groupby(output.children, key=lambda child: bool(declared(child))):
        outputs = list(group)
        found = [entry for child in outputs for entry in declared(child)]
        children += (
            [ReproducedNode(entries=found, classes=["reproduced"])] if reproduces else outputs
        )
    if len(children) == 1 and only_reproduces(source.astext()):
        children[0] += source
        cell.replace_self(children[0])
    else:
        output.children = []
        output.extend(children)


def collect(app: Sphinx, doctree: nodes.document) -> None:
    """Read the entries of the chapter that Sphinx just read, and fold its cells."""
    env = app.env
    found = declared(doctree)
    check(found, env.docname)
    if found:
        entries(env)[env.docname] = found
    for cell in list(doctree.findall(nodes.container)):
        if cell.get("nb_element") == "cell_code":
            fold_cell(cell)


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget a page before it is read again or when it is gone."""
    entries(env).pop(docname, None)
    pages(env).discard(docname)


def merge(app: Sphinx, env: BuildEnvironment, docnames: set[str], other: BuildEnvironment) -> None:
    """Take over what a parallel reader found."""
    entries(env).update({k: v for k, v in entries(other).items() if k in docnames})
    pages(env).update(pages(other) & docnames)


def rewrite_if_changed(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Ask Sphinx to write the ledger page again when an entry changed since it was written."""
    if getattr(env, "ledger_written", None) == entries(env):
        return []
    env.ledger_written = {name: list(found) for name, found in entries(env).items()}
    return sorted(pages(env))


def in_reading_order(env: BuildEnvironment) -> list[str]:
    """Docnames in the order of the table of contents."""
    order: list[str] = []
    waiting = [env.config.root_doc]
    while waiting:
        docname = waiting.pop()
        order.append(docname)
        waiting += reversed(env.toctree_includes.get(docname, []))
    return order


def cell(*text: nodes.Node) -> nodes.entry:
    """A table cell."""
    return nodes.entry("", nodes.paragraph("", "", *text))


def numbers(texts: list[str], shape: list[int]) -> nodes.entry:
    """A table cell with numbers, one line a row."""
    lines = [nodes.line(line, line) for line in kit.lines_of(texts, shape)]
    return nodes.entry("", nodes.line_block("", *lines, classes=["numbers"]))


def cited(app: Sphinx, entry: Entry, page: str) -> tuple[str, str]:
    """Name of the source of an entry, and the address of its line in the bibliography."""
    known = [c for c in app.env.get_domain("cite").citations if c.key == entry["cite"]]
    if not known:
        raise ExtensionError(
            f"reproduced number {entry['label']!r} cites {entry['cite']!r}, which is not in the "
            "bibliography; add it to the chapter's references"
        )
    uri = app.builder.get_relative_uri(page, known[0].bibliography_key.docname)
    who, year = authors_and_year(known[0].entry, " & ")
    return f"{who} ({year})", f"{uri}#{known[0].citation_id}"


def row(app: Sphinx, entry: Entry, docname: str, page: str) -> nodes.row:
    """One reproduced number."""
    uri = f"{app.builder.get_relative_uri(page, docname)}#{kit.slug(entry['label'])}"
    name, address = cited(app, entry, page)
    kind = nodes.inline("", kit.KINDS[entry["kind"]].lower(), classes=[f"kind-{entry['kind']}"])
    place = [nodes.reference("", name, refuri=address), nodes.Text(f", {entry['where']}; ")]
    ours = [kit.show_like(*pair) for pair in zip(entry["expected"], entry["ours"], strict=True)]
    low, high = min(entry["tolerance"]), max(entry["tolerance"])
    span = kit.short(high) if low == high else f"{kit.short(low)} to {kit.short(high)}"
    return nodes.row(
        "",
        nodes.entry(
            "",
            nodes.paragraph("", "", nodes.reference("", entry["label"], refuri=uri)),
            nodes.paragraph("", "", *place, kind, classes=["source"]),
        ),
        numbers(entry["expected"], entry["shape"]),
        numbers(ours, entry["shape"]),
        cell(nodes.Text(entry["rule"] if high == 0 else f"{span}: {entry['rule']}")),
    )


def table(app: Sphinx, docname: str, page: str) -> nodes.table:
    """The numbers of one chapter."""
    group = nodes.tgroup("", cols=len(COLUMNS))
    group += [nodes.colspec("", colwidth=1) for _ in COLUMNS]
    head = nodes.row("", *(cell(nodes.Text(name)) for name in COLUMNS))
    body = [row(app, entry, docname, page) for entry in entries(app.env)[docname]]
    group += [nodes.thead("", head), nodes.tbody("", *body)]
    return nodes.table("", group, classes=["ledger", "colwidths-auto"])


def section(title: nodes.Node, *content: nodes.Node) -> nodes.section:
    """A section with a title, which may be a link."""
    anchor = nodes.make_id(f"ledger {title.astext()}")
    return nodes.section("", nodes.title("", "", title), *content, ids=[anchor])


def count(found: list[Entry], chapters: int) -> nodes.paragraph:
    """How many there are of each kind."""
    kinds = Counter(entry["kind"] for entry in found)
    printed = sum(len(entry["expected"]) for entry in found if entry["kind"] == "printed")
    parts = [
        f"{number} result{'s' * (number != 1)} {words}"
        for kind, words in COUNTED.items()
        if (number := kinds[kind])
    ]
    if printed:
        parts[0] += f" ({printed} numbers)"
    text = f"{', '.join(parts) or 'No result'}; {chapters} chapter{'s' * (chapters != 1)}. "
    return nodes.paragraph(
        "", f"{text}Every one is within its tolerance.", classes=["ledger-count"]
    )


@cache
def part_titles() -> dict[str, str]:
    """Titles of the parts of the book by their folder."""
    listed = yaml.safe_load((BOOK / "parts.yml").read_text(encoding="utf-8"))
    return {f"book/{entry['folder']}": entry["title"] for entry in listed}


def part_of(docname: str) -> str:
    """Title of the part that a chapter belongs to, or "" outside the book's parts."""
    return part_titles().get("/".join(docname.split("/")[:2]), "")


def fill_ledger(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Replace the placeholder by a count and one table a chapter, in the order of the book."""
    for placeholder in list(doctree.findall(LedgerNode)):
        order = [name for name in in_reading_order(app.env) if name in entries(app.env)]
        found = [entry for name in order for entry in entries(app.env)[name]]
        content: list[nodes.Node] = [count(found, len(order))]
        for title, names in groupby(order, key=part_of):
            chapters = []
            for name in names:
                uri = app.builder.get_relative_uri(page, name)
                link = nodes.reference("", app.env.titles[name].astext(), refuri=uri)
                chapters.append(section(link, table(app, name, page)))
            content += [section(nodes.Text(title), *chapters)] if title else chapters
        placeholder.replace_self(content)


def badges(found: Iterable[Entry]) -> Iterator[str]:
    """Each place in the source, ticked, with the ids that the ledger links to."""
    for (kind, where), group in groupby(found, key=lambda entry: (entry["kind"], entry["where"])):
        anchors = "".join(f'<span id="{kit.slug(entry["label"])}"></span>' for entry in group)
        words = "" if kind == "printed" else f"{kit.KINDS[kind].lower()}, "
        yield f'<span class="badge">{anchors}{words}{html.escape(where)} \N{CHECK MARK}</span>'


def fill_badges(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Replace each placeholder by one line, which unfolds to the comparison and the code."""
    for placeholder in list(doctree.findall(ReproducedNode)):
        line = ""
        for name, group in groupby(
            placeholder["entries"], key=lambda entry: cited(app, entry, page)[0]
        ):
            line += f" {html.escape(name)} {' '.join(badges(group))}"
        body = "".join(kit.comparison(entry) for entry in placeholder["entries"])
        opened = f'<details class="reproduced"><summary>Reproduced:{line}</summary>{body}'
        placeholder["classes"] = []  # docutils would put a <div> with them around the first piece
        placeholder.replace_self(
            [
                nodes.raw("", opened, format="html"),
                *placeholder.children,
                nodes.raw("", "</details>", format="html"),
            ]
        )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.add_node(LedgerNode)
    app.add_node(ReproducedNode)
    app.add_directive("ledger", Ledger)
    app.add_css_file("ledger.css")
    # before the length of a page is counted
    app.connect("doctree-read", collect, priority=400)
    app.connect("env-purge-doc", purge)
    app.connect("env-merge-info", merge)
    # after sphinxcontrib-bibtex has numbered its citations
    app.connect("env-updated", rewrite_if_changed, priority=900)
    app.connect("doctree-resolved", fill_ledger)
    app.connect("doctree-resolved", fill_badges)
    return {
        "version": "1",
        "env_version": 3,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
