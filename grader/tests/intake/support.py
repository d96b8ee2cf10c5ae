"""An instructor's notebook of every kind of cell, and what a student makes of it."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import nbformat

from grader.intake import CleanNotebook, clean_notebook
from grader.release import NotebookTemplate, TemplateCell

KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}
STUB = "def f(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
ANSWER = "def f(x):\n    return x + 1"
PNG = "iVBORw0KGgoAAAANSUhEUg=="


def _cell(grade_id: str, source: str, cell_type: str = "code", **changes: Any) -> TemplateCell:
    flags = {"locked": False, "grade": False, "solution": False, "task": False, "points": None}
    return TemplateCell(grade_id, cell_type, source, f"sum of {grade_id}", **{**flags, **changes})


TEMPLATE = NotebookTemplate(
    "hw",
    (
        _cell("parameters", "SEED = 0", locked=True, tags=("parameters",)),
        _cell("rules", "Return new *arrays*.", "markdown", locked=True),
        _cell("f", STUB, solution=True),
        _cell(
            "test_f",
            "assert f(1) == 2\n### BEGIN HIDDEN TESTS\nassert f(7) == 8\n### END HIDDEN TESTS",
            locked=True,
            grade=True,
            points=3.0,
        ),
        _cell("helper", "def twice(g, x):\n    return g(g(x))", locked=True),
        _cell("g", "# YOUR CODE HERE", solution=True),
        _cell("test_g", "assert g == 5", locked=True, grade=True, points=2.0),
        _cell("prose", "YOUR ANSWER HERE", "markdown", grade=True, solution=True, points=4.0),
        _cell(
            "task",
            "Draw.\n### BEGIN MARK SCHEME\nOne point an axis.\n### END MARK SCHEME",
            "markdown",
            locked=True,
            task=True,
            points=1.0,
        ),
    ),
    KERNELSPEC,
)
LOCKED = [cell for cell in TEMPLATE.cells if cell.locked]
_HIDDEN = re.compile(r"\n### BEGIN .*?### END [A-Z ]+", re.DOTALL)


def released() -> dict[str, Any]:
    """The notebook that students get, as JSON data; a new one every time."""
    cells: list[dict[str, Any]] = []
    for at, cell in enumerate(TEMPLATE.cells):
        cells += [plain(f"## Step {at}", "markdown")]
        metadata = {**cell.metadata(), "deletable": False}
        cells += [{**plain(_HIDDEN.sub("", cell.source), cell.cell_type), "metadata": metadata}]
    for at, made in enumerate(cells):
        made["id"] = f"released-{at}"
    metadata = {"kernelspec": KERNELSPEC, "language_info": {"name": "python", "version": "3.11"}}
    return copy.deepcopy({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def plain(source: Any, cell_type: str = "code", **changes: Any) -> dict[str, Any]:
    """A cell without nbgrader metadata, as JSON data."""
    code = {"execution_count": None, "outputs": []} if cell_type == "code" else {}
    return {"cell_type": cell_type, "metadata": {}, "source": source, **code, **changes}


def find(notebook: dict[str, Any], grade_id: str) -> dict[str, Any]:
    """The cell of that name in `notebook`, to be changed."""
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == grade_id:
            found: dict[str, Any] = cell
            return found
    raise LookupError(grade_id)


def answered() -> dict[str, Any]:
    """The released notebook with every answer written."""
    notebook = released()
    find(notebook, "f")["source"] = ANSWER
    find(notebook, "g")["source"] = "g = 5"
    find(notebook, "prose")["source"] = "Because."
    return notebook


def clean(notebook: Any, template: NotebookTemplate = TEMPLATE) -> CleanNotebook:
    """Clean JSON data, or bytes, and check what holds for every clean notebook."""
    raw = notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode()
    result = clean_notebook(raw, template)
    check(result, template)
    return result


def check(result: CleanNotebook, template: NotebookTemplate = TEMPLATE) -> None:
    """Whatever was sent: a valid notebook with each instructor cell once, verbatim."""
    notebook = result.notebook
    nbformat.validate(json.loads(nbformat.writes(notebook)))
    assert nbformat.writes(notebook).encode("utf-8")
    assert notebook.metadata.kernelspec == template.kernelspec
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    known = {cell.grade_id: cell for cell in template.cells}
    names = [grade_id(cell) for cell in notebook.cells if cell.metadata]
    assert sorted(names) == sorted(known)
    for cell in notebook.cells:
        assert not cell.metadata or cell.metadata == known[grade_id(cell)].metadata()
        if cell.metadata and known[grade_id(cell)].locked:
            assert cell.source == known[grade_id(cell)].source
            assert "attachments" not in cell
        if cell.metadata:
            assert cell.cell_type == known[grade_id(cell)].cell_type
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    for sentence in [*result.problems, *filter(None, [result.unreadable])]:
        assert sentence.endswith(".")
        assert sentence.isprintable()


def grade_id(cell: Any) -> str:
    name: str = cell.metadata["nbgrader"]["grade_id"]
    return name


def order(result: CleanNotebook) -> list[str]:
    """Names of instructor cells and, of other code cells, the sources, in order."""
    return [
        grade_id(cell) if cell.metadata else cell.source
        for cell in result.notebook.cells
        if cell.metadata or cell.cell_type == "code"
    ]


def source_of(result: CleanNotebook, name: str) -> str:
    [source] = [c.source for c in result.notebook.cells if c.metadata and grade_id(c) == name]
    text: str = source
    return text
