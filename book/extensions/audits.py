"""`{audits}`: the table of what `grader audit` found of each assignment, from its audit.json.

The file stands beside the assignment's source and says exact numbers only, so that the page is the
same wherever it is built. An assignment that has none yet is listed without numbers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from grader.audit.result import upper_bound

COLUMNS = (
    *("Assignment", "Points", "Steps", "Misconceptions noticed", "visibly", "named"),
    *("Mutants", "noticed", "equivalent", "Flakes at most"),
)


class Audits(SphinxDirective):
    """One row an assignment, in order of their names."""

    def run(self) -> list[nodes.Node]:
        """Read the files; the page is made anew when one of them changes."""
        solutions = Path(self.env.srcdir) / "solutions"
        rows = []
        for source in sorted(solutions.glob("*/*.md")):
            if source.stem == source.parent.name:
                record = source.with_name("audit.json")
                self.env.note_dependency(str(record))
                rows += rows_of(source.stem, record)
        return [table(rows)]


def rows_of(assignment: str, record: Path) -> list[list[str]]:
    """The cells of an assignment's row, or of one for each of its notebooks."""
    if not record.is_file():
        return [[assignment, *("" for _ in COLUMNS[1:])]]
    notebooks = json.loads(record.read_text(encoding="utf-8"))["notebooks"]
    return [row(assignment, found) for found in notebooks]


def row(assignment: str, notebook: dict[str, Any]) -> list[str]:
    """What is said of one notebook."""

    def total(name: str) -> int:
        return sum(step[name] for step in notebook["steps"])

    own = notebook["notebook"] in ("", assignment)
    return [
        assignment if own else f"{assignment}/{notebook['notebook']}",
        f"{notebook['points']:g}",
        str(len(notebook["steps"])),
        f"{total('detected')} of {total('misconceptions')}",
        str(total("visible")),
        str(total("diagnosed")),
        str(total("mutants")),
        share(total("killed"), total("mutants")),
        str(notebook["equivalent"]),
        f"{upper_bound(notebook['flakes'], notebook['seeds']):.1%}",
    ]


def share(part: int, whole: int) -> str:
    """A share as people write it; never rounded up to all."""
    if part == whole:
        return "100%"
    return f"{min(part / whole, 0.999):.1%}".replace(".0%", "%")


def table(rows: list[list[str]]) -> nodes.table:
    """A table of text, with numbers to the right."""
    group = nodes.tgroup(cols=len(COLUMNS))
    group += [nodes.colspec(colwidth=1) for _ in COLUMNS]
    head, body = nodes.thead(), nodes.tbody()
    head += line(COLUMNS)
    body += [line(cells) for cells in rows]
    group += [head, body]
    return nodes.table("", group, classes=["audits"])


def line(cells: tuple[str, ...] | list[str]) -> nodes.row:
    """One row of a table."""
    made = nodes.row()
    for at, text in enumerate(cells):
        entry = nodes.entry(classes=["text-right"] if at else [])
        entry += nodes.paragraph(text=text)
        made += entry
    return made


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("audits", Audits)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
