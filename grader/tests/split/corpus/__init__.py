"""Honest assignments written with no thought of split grading, and what stock nbgrader gives.

Each `.cells` file is a notebook as text. A line `=== kind [name] [points]` begins a block:

    instructor   a locked cell with a grade_id of its own
    plain        a cell of the instructor's that nbgrader does not know
    answer NAME  a solution cell with the reference between ### BEGIN SOLUTION and ### END SOLUTION
    wrong        a typical wrong answer to the cell before; without one the reference is kept
    blank        what a student finds there, where it is not nbgrader's own stub
    student      a cell that the student adds, in the reference and the wrong answer
    test NAME POINTS      an autograded test
    manual NAME POINTS    a code cell that a person grades, with the reference between the markers
    written NAME POINTS   a Markdown cell that a person grades
    differs VARIANT SCORE the points that we give the test before, and why they are not stock's
    refused VARIANT ...   the test before cannot cross: its outcome is a sentence, not a score
    file NAME    a data file of the instructor's

What comes before the first block says what the notebook is about. `expected.json` holds the points
that stock nbgrader gives; `python -m grader.tests.split.corpus.record` writes it anew.

Tests that need more than calls and plain data carry the instructor's mark. A release would find
each of them without it, and `refused.cells` has such tests without the mark.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.preprocessors import ClearSolutions

from grader.release import NotebookTemplate
from grader.release.members import members_of_classes
from grader.release.names import class_names, defined_names, import_statements
from grader.release.template import loose_names, students_names

FOLDER = Path(__file__).parent
EXPECTED = FOLDER / "expected.json"
VARIANTS = ("reference", "wrong", "blank")
KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}

_HEADER = re.compile(r"=== (\w+)(?: (.+))?")
_MARKER = re.compile(r"\s*### (BEGIN|END) SOLUTION")


@dataclass
class Cell:
    """One cell of the instructor's notebook, or one that a student adds.

    Attributes:
        others: sources by variant, where they are not the reference.
        differs: our points by variant, where a fault of stock nbgrader's costs or gives points.
        refused: the variants in which a test cannot cross.
    """

    kind: str
    name: str
    points: float
    source: str
    others: dict[str, str] = field(default_factory=dict)
    differs: dict[str, float] = field(default_factory=dict)
    refused: tuple[str, ...] = ()


@dataclass
class Entry:
    """One assignment of the corpus."""

    name: str
    cells: list[Cell]
    files: dict[str, bytes]
    about: str = ""

    @cached_property
    def tests(self) -> dict[str, Cell]:
        """The autograded tests, by name."""
        return {cell.name: cell for cell in self.cells if cell.kind == "test"}

    def source(self) -> nbformat.NotebookNode:
        """What the instructor writes."""
        return _notebook(_node(c, c.source) for c in self.cells if c.kind != "student")

    def template(self) -> NotebookTemplate:
        """What grading knows of the instructor's notebook."""
        codes = [cell for cell in self.cells if cell.kind not in ("student", "written")]
        stubs = {c.name: _answer(c, "blank") for c in codes if c.kind in ("answer", "manual")}
        written = [_node(cell, cell.source) for cell in codes]
        defines = students_names(
            written, {name: set(defined_names(stub)) for name, stub in stubs.items()}
        )
        imports = [line for cell in codes for line in import_statements(cell.source)]
        return NotebookTemplate(
            self.name,
            (),
            KERNELSPEC,
            defines,
            tuple(sorted({name for cell in codes for name in class_names(cell.source)})),
            tuple(dict.fromkeys(imports)),
            complete=True,
            loose=loose_names(written),
            overrides=members_of_classes(
                cell.source for cell in codes if cell.kind in ("answer", "manual")
            ),
        )

    def submission(self, variant: str) -> nbformat.NotebookNode:
        """What a student hands in, with hidden tests put back."""
        return _notebook(
            _node(cell, _answer(cell, variant))
            for cell in self.cells
            if cell.kind != "student" or variant != "blank"
        )


def entries() -> list[Entry]:
    """All assignments of the corpus."""
    return [read_entry(path) for path in sorted(FOLDER.glob("*.cells"))]


def read_entry(path: Path) -> Entry:
    """The notebook of a `.cells` file."""
    about, *blocks = re.split(r"^(?==== )", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    entry = Entry(path.stem, [], {}, about.strip())
    for number, block in enumerate(blocks):
        head, _, body = block.partition("\n")
        match = _HEADER.fullmatch(head)
        assert match, f"{path.name}: {head}"
        kind, words = match[1], (match[2] or "").split()
        body = body.strip("\n")
        if kind == "file":
            entry.files[words[0]] = f"{body}\n".encode()
        elif kind in ("wrong", "blank"):
            entry.cells[-1].others[kind] = body
        elif kind == "differs":
            assert body, f"{path.name}: {head} says no reason"
            entry.cells[-1].differs[words[0]] = float(words[1])
        elif kind == "refused":
            assert body, f"{path.name}: {head} says no reason"
            entry.cells[-1].refused = tuple(words)
        else:
            name = words[0] if words else f"cell{number}"
            entry.cells.append(Cell(kind, name, float(words[1]) if words[1:] else 0.0, body))
    return entry


def _answer(cell: Cell, variant: str) -> str:
    if cell.kind not in ("answer", "manual", "written"):
        return cell.source
    if variant in cell.others:
        return cell.others[variant]
    if variant != "blank":
        kept = (line for line in cell.source.splitlines() if not _MARKER.match(line))
        return "\n".join(kept)
    node = _node(cell, cell.source)
    return str(ClearSolutions().preprocess_cell(node, {"language": "python"}, 0)[0].source)


def _node(cell: Cell, source: str) -> nbformat.NotebookNode:
    new_cell: Any = new_markdown_cell if cell.kind == "written" else new_code_cell
    if cell.kind in ("plain", "student"):
        return new_cell(source)
    mark = {
        "schema_version": 3,
        "grade_id": cell.name,
        "grade": cell.kind in ("test", "manual", "written"),
        "solution": cell.kind in ("answer", "manual", "written"),
        "locked": cell.kind in ("instructor", "test"),
        "task": False,
    }
    if mark["grade"]:
        mark["points"] = cell.points
    return new_cell(source, metadata={"nbgrader": mark})


def _notebook(cells: Any) -> nbformat.NotebookNode:
    metadata = {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}}
    return new_notebook(cells=list(cells), metadata=metadata)
