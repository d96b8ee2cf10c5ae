"""Join what the student wrote with what the instructor wrote.

A clean notebook holds the student's answer cells and added cells in the student's order, and in
the instructor's order the instructor's own copy of everything else: locked and test cells,
metadata, tags, kernel. So no tag that steers execution, no forged points, no edited test and no
cell that was moved behind its test survives.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Any

import nbformat
from nbformat.v4 import new_notebook

from grader.intake.ordering import Placed, gaps, is_fixed, is_placed, moved
from grader.intake.parse import SubmittedCell, Unreadable, parse_cells
from grader.release import NotebookTemplate, TemplateCell, without_hidden

_SHOWN = 5
"""Names of moved cells that a sentence lists."""


@dataclass(frozen=True)
class CleanNotebook:
    """A notebook that is safe to hand to a sandbox.

    Attributes:
        name: without .ipynb.
        notebook: the cells to run, with trusted metadata only.
        problems: what was put right, in sentences for the student.
        unreadable: why the submitted file could not be used at all, or "". The notebook then is
            the one that was released, and its tests are not to be run.
    """

    name: str
    notebook: nbformat.NotebookNode
    problems: tuple[str, ...]
    unreadable: str = ""


def clean_notebook(
    raw: bytes | None, template: NotebookTemplate, *, unreadable: str = ""
) -> CleanNotebook:
    """Make a clean notebook from one submitted file.

    Args:
        raw: the file's bytes; None where there is no file.
        template: the instructor version.
        unreadable: a reason not to look at the bytes at all, such as their number.
    """
    if not unreadable:
        try:
            if raw is None:
                raise Unreadable(f"No file {template.name}.ipynb was handed in.")
            submitted = parse_cells(raw)
        except Unreadable as reason:
            unreadable = str(reason)
    if unreadable:
        blank = [_instructor_cell(cell) for cell in template.cells]
        return CleanNotebook(template.name, _notebook(blank, template), (), unreadable)
    problems: list[str] = []
    cells = _merge(submitted, template, problems)
    return CleanNotebook(template.name, _notebook(cells, template), tuple(problems))


def _merge(
    submitted: list[SubmittedCell], template: NotebookTemplate, problems: list[str]
) -> list[nbformat.NotebookNode]:
    """The instructor's cells in the instructor's order, and the student's in the student's.

    Where the two orders agree this is the notebook as it was handed in. Where they do not, no
    test loses what it had: see `ordering.gaps`. Notes what had to be done.
    """
    numbers = {cell.grade_id: number for number, cell in enumerate(template.cells)}
    copies: dict[int, list[int]] = {}
    for at, cell in enumerate(submitted):
        if cell.grade_id in numbers:
            copies.setdefault(numbers[cell.grade_id], []).append(at)
    own: list[tuple[Placed, nbformat.NotebookNode]] = []
    for at, cell in enumerate(submitted):
        number = numbers.get(cell.grade_id, -1)
        if number < 0 or not (is_fixed(template.cells[number]) or at == copies[number][-1]):
            # nbgrader too runs the earlier copies of an answer, as plain cells
            own.append((Placed(at, -1), _students_cell(cell)))
    places: list[Placed] = []
    placed: list[tuple[Placed, nbformat.NotebookNode]] = []
    for number, trusted in enumerate(template.cells):
        found = copies.get(number, [])
        if found:
            _note_changes(submitted[found[-1]], trusted, problems)
            node = _instructor_cell(trusted, submitted[found[-1]])
            # one more copy of what is given changes nothing; of a test's copies the last counts
            place = found[0 if is_placed(trusted) and not trusted.is_test else -1]
            places.append(Placed(place, number))
        else:
            problems.append(_missing(trusted))
            # the stub would overwrite an answer that the student moved to another cell
            empty = SubmittedCell(trusted.cell_type, "", trusted.grade_id)
            node = _instructor_cell(trusted, None if trusted.task else empty)
            before = max((place.position for place in places), default=-1)
            places.append(Placed(before if before % 1 else before + 0.5, number))
        (placed if is_placed(trusted) else own).append((places[-1], node))
    _note_order(template, places, copies, problems)
    own.sort(key=lambda each: each[0])
    fixed = [place for place, _ in placed]
    tests = [place for place in fixed if template.cells[place.number].is_test]
    merged: list[nbformat.NotebookNode] = []
    waiting = deque(zip(gaps(fixed, tests, [place for place, _ in own]), own, strict=True))
    for rank, (_, node) in enumerate(placed):
        while waiting and waiting[0][0] <= rank:
            merged.append(waiting.popleft()[1][1])
        merged.append(node)
    return merged + [node for _, (_, node) in waiting]


def _missing(cell: TemplateCell) -> str:
    if is_fixed(cell):
        what = "test cell" if cell.is_test else "cell"
        return f"The {what} {cell.grade_id} was missing; it was put back."
    return (
        f"The answer cell {cell.grade_id} was missing; "
        "what it asks for was looked for in the other cells."
    )


def _note_order(
    template: NotebookTemplate,
    places: list[Placed],
    copies: dict[int, list[int]],
    problems: list[str],
) -> None:
    """Say which cells were there more than once, and which of the assignment's were moved."""
    problems.extend(
        f"The cell {template.cells[number].grade_id} is there more than once; "
        "its last copy was graded."
        for number, found in sorted(copies.items())
        if len(found) > 1
    )
    runs = [
        place
        for place in places
        if is_placed(cell := template.cells[place.number])
        and cell.cell_type == "code"
        and len(copies.get(place.number, ())) == 1
    ]
    names = [template.cells[place.number].grade_id for place in moved(runs)]
    if names:
        shown = ", ".join(names[:_SHOWN]) + (" and others" if len(names) > _SHOWN else "")
        problems.append(
            f"Cells of the assignment were moved ({shown}); they ran in the assignment's order."
        )


def _note_changes(cell: SubmittedCell, trusted: TemplateCell, problems: list[str]) -> None:
    if is_fixed(trusted) and not _is_released(cell.source, trusted.source):
        what = "test cell" if trusted.is_test else "cell"
        problems.append(f"The {what} {trusted.grade_id} was changed; the original was used.")
    elif cell.cell_type != trusted.cell_type:
        problems.append(
            f"The type of the cell {trusted.grade_id} was changed from {trusted.cell_type} to "
            f"{cell.cell_type}; it was changed back."
        )


def _is_released(submitted: str, source: str) -> bool:
    """Whether `submitted` is `source` with nothing but its hidden parts taken out."""
    return _lines(submitted) == _lines(without_hidden(source))


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _students_cell(cell: SubmittedCell) -> nbformat.NotebookNode:
    """A cell that the student added, without metadata."""
    new = _new_cell(cell.cell_type, cell.source, {})
    if cell.cell_type == "markdown" and cell.attachments:
        new["attachments"] = nbformat.from_dict(cell.attachments)
    return new


def _instructor_cell(
    trusted: TemplateCell, submitted: SubmittedCell | None = None
) -> nbformat.NotebookNode:
    """The instructor's cell, with the student's source where the student was to write."""
    if submitted is None or is_fixed(trusted):
        return _new_cell(trusted.cell_type, trusted.source, trusted.metadata())
    cell = _students_cell(replace(submitted, cell_type=trusted.cell_type))
    cell.metadata = nbformat.from_dict(trusted.metadata())
    return cell


def _new_cell(kind: str, source: str, metadata: dict[str, Any]) -> nbformat.NotebookNode:
    """A cell of this type; the notebook is validated when it is complete."""
    cell: dict[str, Any] = {"cell_type": kind, "metadata": metadata, "source": source}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    made: nbformat.NotebookNode = nbformat.from_dict(cell)
    return made


def _notebook(
    cells: list[nbformat.NotebookNode], template: NotebookTemplate
) -> nbformat.NotebookNode:
    for at, cell in enumerate(cells):
        cell["id"] = f"cell-{at}"
    language = template.kernelspec.get("language", "python")
    notebook: nbformat.NotebookNode = new_notebook(
        cells=cells,
        metadata={"kernelspec": template.kernelspec, "language_info": {"name": language}},
    )
    return notebook
