"""Join what the student wrote with what the instructor wrote.

A clean notebook holds the student's answer cells and added cells in the student's order, and the
instructor's own copy of everything else: locked and test cells, metadata, tags, kernel. So no tag
that steers execution, no forged points and no edited test survives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import nbformat
from nbformat.v4 import new_notebook

from grader.intake.parse import SubmittedCell, Unreadable, parse_cells
from grader.release import NotebookTemplate, TemplateCell, without_hidden


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
    """The student's order, with instructor cells restored; notes what had to be done."""
    known = {cell.grade_id: cell for cell in template.cells}
    last = {cell.grade_id: at for at, cell in enumerate(submitted) if cell.grade_id in known}
    merged: list[tuple[str, nbformat.NotebookNode]] = []
    doubled: set[str] = set()
    for at, cell in enumerate(submitted):
        trusted = known.get(cell.grade_id)
        if trusted is None:
            merged.append(("", _students_cell(cell)))
        elif at == last[cell.grade_id]:
            _note_changes(cell, trusted, problems)
            merged.append((cell.grade_id, _instructor_cell(trusted, cell)))
        else:
            doubled.add(cell.grade_id)
            if not trusted.locked:
                # nbgrader runs it too, as a plain cell; the last copy is the one that is graded
                merged.append(("", _students_cell(cell)))
    problems.extend(
        f"The cell {name} is there more than once; its last copy was graded."
        for name in known
        if name in doubled
    )
    return [cell for _, cell in _restore_missing(merged, template, problems)]


def _restore_missing(
    merged: list[tuple[str, nbformat.NotebookNode]],
    template: NotebookTemplate,
    problems: list[str],
) -> list[tuple[str, nbformat.NotebookNode]]:
    """Put deleted instructor cells back, each after the one that it followed."""
    for position, cell in enumerate(template.cells):
        if any(name == cell.grade_id for name, _ in merged):
            continue
        before = {c.grade_id for c in template.cells[:position]}
        places = [at for at, (name, _) in enumerate(merged) if name in before]
        at = places[-1] + 1 if places else 0
        if cell.locked or cell.task:
            restored = _instructor_cell(cell)
            what = "test cell" if cell.is_test else "cell"
            problems.append(f"The {what} {cell.grade_id} was missing; it was put back.")
        else:
            # The stub would overwrite an answer that the student moved to a cell of their own.
            restored = _instructor_cell(cell, SubmittedCell(cell.cell_type, "", cell.grade_id))
            problems.append(
                f"The answer cell {cell.grade_id} was missing; "
                "what it asks for was looked for in the other cells."
            )
        merged.insert(at, (cell.grade_id, restored))
    return merged


def _note_changes(cell: SubmittedCell, trusted: TemplateCell, problems: list[str]) -> None:
    if trusted.locked and not _is_released(cell.source, trusted.source):
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
    if submitted is None or trusted.locked:
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
