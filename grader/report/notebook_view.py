"""A student's executed notebook as views to print: what may be seen of it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from grader.release import without_hidden
from grader.report.hidden import LeakGuard
from grader.report.markup import attached_images, highlighted, markdown, plain
from grader.report.model import GradedCell, GradedNotebook
from grader.report.outputs import Budget, attached_image, render_outputs
from grader.report.text import as_text, count, one_line

CELLS_CAP = 400
"""Cells of one notebook that are shown."""

_INJECTED = "injected-parameters"


@dataclass(frozen=True)
class CellView:
    """One cell as the page prints it.

    Attributes:
        kind: "text", "answer", "provided" or "test".
        number: its place among the code cells, counted from 1; 0 for text.
        name: its grade_id, cleaned, or "".
        body: its source as markup.
        lines: lines of its source.
        outputs: its outputs as markup; a test has none.
        graded: what was graded about it, or None.
    """

    kind: str
    number: int
    name: str
    body: Markup
    lines: str
    outputs: tuple[Markup, ...] = ()
    graded: GradedCell | None = None


@dataclass(frozen=True)
class _Cell:
    """One cell of notebook JSON, with what is missing or of a wrong type made empty."""

    type: str
    source: str
    metadata: dict[str, Any]
    raw: dict[str, Any]

    @property
    def nbgrader(self) -> dict[str, Any]:
        data = self.metadata.get("nbgrader")
        return data if isinstance(data, dict) else {}

    @property
    def grade_id(self) -> str:
        return as_text(self.nbgrader.get("grade_id"))

    @property
    def tags(self) -> list[Any]:
        tags = self.metadata.get("tags")
        return tags if isinstance(tags, list) else []


def leak_guard(notebook: GradedNotebook) -> LeakGuard:
    """A guard that knows the hidden lines of `notebook`."""
    graded = _by_grade_id(notebook)
    cells = list(_cells(notebook.executed))
    tests = [cell for cell in cells if _is_test(cell, graded)]
    visible = [without_hidden(cell.source) for cell in cells if not _is_test(cell, graded)]
    visible += [_visible_test(graded.get(cell.grade_id)) for cell in tests]
    everything = [cell.source for cell in cells]
    return LeakGuard(everything, visible)


def view_cells(notebook: GradedNotebook, guard: LeakGuard) -> Iterator[CellView]:
    """The cells of an executed notebook that a student may see, in order."""
    graded = _by_grade_id(notebook)
    budget = Budget()
    number = 0
    for cell in list(_cells(notebook.executed))[:CELLS_CAP]:
        number += cell.type == "code"
        if _is_test(cell, graded):
            test = graded.get(cell.grade_id)
            source = _visible_test(test)
            yield CellView(
                "test", number, _name(cell), highlighted(source), _lines(source), graded=test
            )
        elif _INJECTED not in cell.tags:
            yield _view(cell, number, graded.get(cell.grade_id), budget, guard)


def _view(
    cell: _Cell, number: int, graded: GradedCell | None, budget: Budget, guard: LeakGuard
) -> CellView:
    source = without_hidden(cell.source)
    if cell.type != "code":
        attached = attached_images(cell.raw.get("attachments"))
        body = (
            markdown(source, lambda url, alt: attached_image(attached, url, alt, budget))
            if cell.type == "markdown"
            else plain(source)
        )
        return CellView("text", 0, _name(cell), body, _lines(source), graded=graded)
    provided = cell.nbgrader.get("locked") is True and graded is None
    return CellView(
        "provided" if provided or "parameters" in cell.tags else "answer",
        number,
        _name(cell),
        highlighted(source),
        _lines(source),
        tuple(
            render_outputs(
                cell.raw.get("outputs"), label=f"cell {number}", budget=budget, guard=guard
            )
        ),
        graded,
    )


def _cells(executed: dict[str, Any]) -> Iterator[_Cell]:
    cells = executed.get("cells")
    for raw in cells if isinstance(cells, list) else []:
        if isinstance(raw, dict):
            metadata = raw.get("metadata")
            yield _Cell(
                as_text(raw.get("cell_type")),
                as_text(raw.get("source")),
                metadata if isinstance(metadata, dict) else {},
                raw,
            )


def _by_grade_id(notebook: GradedNotebook) -> dict[str, GradedCell]:
    return {cell.grade_id: cell for cell in notebook.cells}


def _is_test(cell: _Cell, graded: dict[str, GradedCell]) -> bool:
    """Whether a cell is a test: the gradebook says so, or it looks like one."""
    known = graded.get(cell.grade_id)
    if known is not None:
        return known.kind == "test"
    data = cell.nbgrader
    return cell.type == "code" and data.get("grade") is True and data.get("solution") is not True


def _visible_test(test: GradedCell | None) -> str:
    return without_hidden(test.source) if test is not None and not test.hidden else ""


def _name(cell: _Cell) -> str:
    return one_line(cell.grade_id, 60)


def _lines(source: str) -> str:
    return count(len(source.strip("\n").splitlines()), "line")
