"""The ledger: every printed number that a chapter reproduces, on one page.

A chapter declares a number with `reproduced(...)` (book/kit/reproduced.py), which leaves the entry
in the cell's HTML output. This extension finds the entries when Sphinx has read the chapter,
whether its code ran or its outputs came from the execution cache. It checks each once more, keeps
them in the environment (so that a rebuild without changes still knows them), and fills `{ledger}`.
"""

from __future__ import annotations

import html
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

sys.path.append(str(Path(__file__).resolve().parents[1] / "kit"))
import reproduced as kit

COLUMNS = ("Number and source", "Printed", "Ours", "Tolerance", "Spread")
ENTRY = re.compile(rf'{kit.ENTRY_ATTRIBUTE}="([^"]*)"')
Entry = dict[str, Any]


class LedgerNode(nodes.General, nodes.Element):
    """Placeholder for the tables, filled when every chapter has been read."""


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


def declared(doctree: nodes.document) -> list[Entry]:
    """Entries in the code outputs of a page, in order."""
    return [
        json.loads(html.unescape(match))
        for raw in doctree.findall(nodes.raw)
        for match in ENTRY.findall(raw.astext())
    ]


def check(found: Iterable[Entry], docname: str) -> None:
    """Raise ExtensionError for an entry that is off, or a label used twice in one chapter."""
    seen: set[str] = set()
    for entry in found:
        try:
            difference = kit.largest_difference(entry["expected"], entry["ours"])
        except ValueError as error:
            raise ExtensionError(
                f"{docname}: reproduced number {entry['label']!r}: {error}"
            ) from error
        if not kit.within(difference, entry["tolerance"]):
            raise ExtensionError(
                f"{docname}: reproduced number {entry['label']!r} differs by {difference:.4g}, "
                f"more than its tolerance {entry['tolerance']:g}"
            )
        anchor = kit.slug(entry["label"])
        if anchor in seen:
            raise ExtensionError(f"{docname}: the label {entry['label']!r} is declared twice")
        seen.add(anchor)


def collect(app: Sphinx, doctree: nodes.document) -> None:
    """Read the entries of the chapter that Sphinx just read."""
    env = app.env
    found = declared(doctree)
    check(found, env.docname)
    if found:
        entries(env)[env.docname] = found


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


def cell(text: str) -> nodes.entry:
    """A table cell."""
    return nodes.entry("", nodes.paragraph("", text))


def numbers(values: Any, decimals: int) -> nodes.entry:
    """A table cell with numbers, one line a row."""
    lines = kit.format_values(values, decimals).splitlines()
    block = nodes.line_block("", *(nodes.line(line, line) for line in lines), classes=["numbers"])
    return nodes.entry("", block)


def source(app: Sphinx, entry: Entry, page: str) -> list[nodes.Node]:
    """The citation, linked to its place in the bibliography, and the place in the source."""
    citations = app.env.get_domain("cite").citations
    known = [c for c in citations if c.key == entry["cite"]]
    if not known:
        raise ExtensionError(
            f"reproduced number {entry['label']!r} cites {entry['cite']!r}, which is not in the "
            "bibliography; add it to book/references.bib"
        )
    target = known[0]
    uri = app.builder.get_relative_uri(page, target.bibliography_key.docname)
    people = target.entry.persons.get("author", target.entry.persons.get("editor", []))
    names = [" ".join(p.last_names) for p in people]
    short = f"{names[0]} et al." if len(names) > 2 else " & ".join(names)
    link = nodes.reference(
        "", f"{short} ({target.entry.fields['year']})", refuri=f"{uri}#{target.citation_id}"
    )
    return [link, nodes.Text(f", {entry['where']}")]


def row(app: Sphinx, entry: Entry, docname: str, page: str) -> nodes.row:
    """One reproduced number."""
    printed = kit.printed_decimals(entry["expected"])
    uri = f"{app.builder.get_relative_uri(page, docname)}#{kit.slug(entry['label'])}"
    spread = "exact"
    if entry["spread"] is not None:
        spread = f"{entry['spread']:.2g} ({entry['seeds']} seeds)"
    return nodes.row(
        "",
        nodes.entry(
            "",
            nodes.paragraph("", "", nodes.reference("", entry["label"], refuri=uri)),
            nodes.paragraph("", "", *source(app, entry, page), classes=["source"]),
        ),
        numbers(entry["expected"], printed),
        numbers(entry["ours"], min(kit.decimals_of(entry["tolerance"]), printed + 2)),
        cell(f"{entry['tolerance']:g}"),
        cell(spread),
    )


def table(app: Sphinx, docname: str, page: str) -> nodes.container:
    """The numbers of one chapter."""
    group = nodes.tgroup("", cols=len(COLUMNS))
    group += [nodes.colspec("", colwidth=1) for _ in COLUMNS]
    head = nodes.row("", *(cell(name) for name in COLUMNS))
    body = [row(app, entry, docname, page) for entry in entries(app.env)[docname]]
    group += [nodes.thead("", head), nodes.tbody("", *body)]
    return nodes.container(
        "", nodes.table("", group, classes=["ledger", "colwidths-auto"]), classes=["wide-table"]
    )


def fill(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Replace the placeholder by a count and one table a chapter, in the order of the book."""
    for placeholder in list(doctree.findall(LedgerNode)):
        order = [name for name in in_reading_order(app.env) if name in entries(app.env)]
        count = sum(len(entries(app.env)[name]) for name in order)
        values = sum(
            len(kit.np.ravel(e["expected"])) for name in order for e in entries(app.env)[name]
        )
        content: list[nodes.Node] = [
            nodes.paragraph(
                "",
                f"{count} results, {values} printed numbers, {len(order)} "
                f"chapter{'' if len(order) == 1 else 's'}; every one is within its tolerance.",
                classes=["ledger-count"],
            )
        ]
        for docname in order:
            title = app.env.titles[docname].astext()
            uri = app.builder.get_relative_uri(page, docname)
            content += [
                nodes.rubric("", "", nodes.reference("", title, refuri=uri)),
                table(app, docname, page),
            ]
        placeholder.replace_self(content)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.add_node(LedgerNode)
    app.add_directive("ledger", Ledger)
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", purge)
    app.connect("env-merge-info", merge)
    # after sphinxcontrib-bibtex has numbered its citations
    app.connect("env-updated", rewrite_if_changed, priority=900)
    app.connect("doctree-resolved", fill)
    return {
        "version": "1",
        "env_version": 2,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
