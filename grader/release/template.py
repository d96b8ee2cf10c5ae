"""The instructor version of an assignment, as nbgrader's gradebook keeps it.

nbgrader saves every cell with a grade_id when an assignment is generated: solutions cleared,
hidden tests still there. Grading trusts these cells and nothing that a student sends.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.utils import is_grade, is_locked, is_solution, is_task
from sqlalchemy.exc import SQLAlchemyError

from grader.course import Course
from grader.errors import CourseError
from grader.release.catalogue import EDITS, MISCONCEPTIONS, Variant, load_variants
from grader.release.changing import changed_by_functions, changed_names, changing_functions
from grader.release.converter import programs_on_path
from grader.release.leaks import Regions, secret_regions
from grader.release.marks import said_to_change, with_usual_markers
from grader.release.members import members_of_classes
from grader.release.names import (
    assigned_names,
    class_names,
    defined_names,
    import_statements,
)
from grader.release.sources import grade_id_of, read_text

_PYTHON = {"name": "python3", "display_name": "Python 3", "language": "python"}
"""For a source that names no kernel; nbgrader runs it with this one too."""


@dataclass(frozen=True)
class TemplateCell:
    """One instructor cell: what nbgrader knows of it, and its tags in the released notebook."""

    grade_id: str
    cell_type: str
    source: str
    checksum: str
    locked: bool
    grade: bool
    solution: bool
    task: bool
    points: float | None
    tags: tuple[str, ...] = ()

    @classmethod
    def of(cls, cell: nbformat.NotebookNode) -> TemplateCell:
        """What a notebook's own cell with nbgrader metadata says of itself."""
        mark = cell.metadata["nbgrader"]
        return cls(
            grade_id=str(mark["grade_id"]),
            cell_type=cell.cell_type,
            source=cell.source,
            checksum=str(mark.get("checksum", "")),
            locked=is_locked(cell),
            grade=is_grade(cell),
            solution=is_solution(cell),
            task=is_task(cell),
            points=float(mark["points"]) if "points" in mark else None,
            tags=tuple(cell.metadata.get("tags", ())),
        )

    @property
    def is_test(self) -> bool:
        """Whether it is an autograded test: a graded code cell that no student writes."""
        return self.grade and not self.solution and self.cell_type == "code"

    def metadata(self) -> dict[str, Any]:
        """Cell metadata as nbgrader expects it in a submission."""
        nbgrader = {
            "schema_version": 3,
            "grade_id": self.grade_id,
            "grade": self.grade,
            "solution": self.solution,
            "locked": self.locked,
            "task": self.task,
            "cell_type": self.cell_type,
            "checksum": self.checksum,
        }
        if self.points is not None:
            nbgrader["points"] = self.points
        return {"nbgrader": nbgrader, **({"tags": list(self.tags)} if self.tags else {})}


@dataclass(frozen=True)
class NotebookTemplate:
    """One instructor notebook: its cells in order, and the kernel that runs it.

    Attributes:
        name: without .ipynb.
        cells: those with a grade_id.
        kernelspec: as nbgrader keeps it.
        defines: names that each solution cell is there to define, by grade_id.
        classes: names under which the instructor's notebook defines a class.
        imports: import statements of the instructor's notebook.
        complete: the instructor's source was at hand, so `defines` is what its solutions define
            and not only what their stubs show.
        loose: names that the instructor's cells without a lock define, and a student may change.
        solutions: the instructor's solution cells, in order; empty without misconceptions.
        misconceptions: named wrong answers for functions that its solution cells define.
        overrides: names that classes of its solution cells define.
    """

    name: str
    cells: tuple[TemplateCell, ...]
    kernelspec: dict[str, str]
    defines: dict[str, list[str]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    complete: bool = False
    solutions: tuple[str, ...] = ()
    misconceptions: tuple[Variant, ...] = ()
    loose: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()

    @property
    def tests(self) -> tuple[TemplateCell, ...]:
        """Its autograded tests, in order."""
        return tuple(cell for cell in self.cells if cell.is_test)

    def informed(
        self, cells: Sequence[nbformat.NotebookNode], wrong: Iterable[Variant] = ()
    ) -> NotebookTemplate:
        """With what the instructor's own notebook says.

        Args:
            cells: of that notebook, solutions included; none where it is not at hand, and what
                the stubs show must do.
            wrong: the assignment's misconceptions; those of other notebooks are left out.
        """
        defines = {
            cell.grade_id: set(defined_names(cell.source)) for cell in self.cells if cell.solution
        }
        codes = [cell for cell in cells if cell.cell_type == "code"]
        imports = [line for cell in codes for line in import_statements(cell.source)]
        solved = [cell for cell in codes if grade_id_of(cell) in defines]
        known = {name for cell in solved for name in defined_names(cell.source)}
        misconceptions = tuple(variant for variant in wrong if variant.function in known)
        return replace(
            self,
            defines=students_names(codes, defines),
            classes=tuple(sorted({name for cell in codes for name in class_names(cell.source)})),
            imports=tuple(dict.fromkeys(imports)),
            complete=bool(codes),
            solutions=tuple(cell.source for cell in solved) if misconceptions else (),
            misconceptions=misconceptions,
            loose=loose_names(codes),
            overrides=members_of_classes(cell.source for cell in solved),
        )


@dataclass(frozen=True)
class AssignmentTemplate:
    """All notebooks of an assignment, by name."""

    name: str
    notebooks: dict[str, NotebookTemplate]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data, fit to travel to a worker and to be hashed."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> AssignmentTemplate:
        """The inverse of `to_json`."""
        notebooks = {
            name: NotebookTemplate(
                name,
                tuple(TemplateCell(**{**c, "tags": tuple(c["tags"])}) for c in notebook["cells"]),
                notebook["kernelspec"],
                notebook["defines"],
                tuple(notebook["classes"]),
                tuple(notebook["imports"]),
                notebook["complete"],
                tuple(notebook["solutions"]),
                tuple(Variant(**variant) for variant in notebook["misconceptions"]),
                tuple(notebook["loose"]),
                tuple(notebook["overrides"]),
            )
            for name, notebook in data["notebooks"].items()
        }
        return cls(data["name"], notebooks)


def load_template(course: Course, name: str) -> AssignmentTemplate:
    """Read assignment `name` from the gradebook.

    Raises:
        CourseError: the assignment was never generated, or the gradebook or the assignment's
            catalogue of misconceptions cannot be read.
    """
    tags = _released_tags(course, name)
    wrong = _misconceptions(course, name)
    hidden = secret_regions(course.config)[1:]
    try:
        with programs_on_path(), Gradebook(course.db_url, course.directory.course_id) as gradebook:
            found = gradebook.find_assignment(name)
            notebooks = {
                nb.name: _notebook(nb, tags, hidden).informed(
                    _source_cells(course.path("source", name) / f"{nb.name}.ipynb"), wrong
                )
                for nb in found.notebooks
            }
    except MissingEntry:
        raise CourseError(
            f"Assignment {name!r} is not in the gradebook of {course.root}: "
            f"run `grader release {name}` first."
        ) from None
    except (SQLAlchemyError, OSError) as error:
        raise CourseError(
            f"The gradebook {course.db_name} cannot be read: {_first_line(error)}"
        ) from None
    return AssignmentTemplate(name, dict(sorted(notebooks.items())))


def _notebook(
    notebook: Any, tags: dict[tuple[str, str], tuple[str, ...]], hidden: Regions
) -> NotebookTemplate:
    # a database promises no order, and after a second release with new cells it has none
    order = {grade_id: at for at, (name, grade_id) in enumerate(tags) if name == notebook.name}
    graded = {cell.name: cell for cell in [*notebook.grade_cells, *notebook.task_cells]}
    solutions = {cell.name for cell in notebook.solution_cells}
    tasks = {cell.name for cell in notebook.task_cells}
    cells = tuple(
        TemplateCell(
            grade_id=cell.name,
            cell_type=cell.cell_type,
            # from here on everybody may go by nbgrader's own markers
            source=with_usual_markers(cell.source or "", hidden),
            checksum=cell.checksum or "",
            locked=bool(cell.locked),
            grade=cell.name in graded and cell.name not in tasks,
            solution=cell.name in solutions,
            task=cell.name in tasks,
            points=float(graded[cell.name].max_score) if cell.name in graded else None,
            tags=tags.get((notebook.name, cell.name), ()),
        )
        for cell in sorted(notebook.source_cells, key=lambda c: order.get(c.name, len(order)))
    )
    kernelspec = {**_PYTHON, **json.loads(notebook.kernelspec or "{}")}
    return NotebookTemplate(notebook.name, cells, kernelspec)


def _misconceptions(course: Course, name: str) -> tuple[Variant, ...]:
    """The wrong answers that stand beside the text source; empty where there are none."""
    if course.solutions is None:
        return ()
    folder = course.solutions / name
    if not any((folder / each).is_file() for each in (MISCONCEPTIONS, EDITS)):
        return ()
    return load_variants(folder, read_text(folder / f"{name}.md"), "misconception")


def _source_cells(path: Path) -> list[nbformat.NotebookNode]:
    """The cells of an instructor's notebook, or none where it cannot be read."""
    try:
        return list(nbformat.read(path, as_version=4).cells)
    except Exception:  # nbformat trusts its input; without a source the stubs say enough
        return []


def loose_names(cells: Iterable[nbformat.NotebookNode]) -> tuple[str, ...]:
    """Names that code cells define which are neither locked nor tests: students may change them."""
    free = (cell for cell in cells if not (is_locked(cell) or is_solution(cell)))
    return tuple(sorted({name for cell in free for name in defined_names(cell.source)}))


def students_names(
    cells: list[nbformat.NotebookNode], stubs: dict[str, set[str]]
) -> dict[str, list[str]]:
    """Names that each solution cell is there to give a value.

    Those that it binds are the student's, and so are values of an instructor's cell before it that
    the reference solution changes in place, when its cell runs or when a function of it is called,
    or is said to change by a line `CHANGES_MARK`. Nothing that a student writes adds to them.

    Args:
        cells: the code cells of the instructor's source.
        stubs: names by grade_id that the released stubs define; of no other cell is asked.
    """
    found = {name: set(defined) for name, defined in stubs.items()}
    values: set[str] = set()
    changing: dict[str, frozenset[int | str]] = {}
    for cell in cells:
        changing |= changing_functions(cell.source)
        name = grade_id_of(cell)
        if name in found:
            changed = changed_names(cell.source, changing) | changed_by_functions(cell.source)
            changed |= said_to_change(cell.source)
            found[name] |= defined_names(cell.source) | (changed & values)
        elif not is_grade(cell):
            values |= assigned_names(cell.source)
    return {name: sorted(defined) for name, defined in found.items()}


def _released_tags(course: Course, name: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """Tags of the released cells, in order; the gradebook keeps neither tags nor order.

    papermill needs the tag `parameters`.
    """
    tags = {}
    for path in sorted(course.path("release", name).glob("*.ipynb")):
        try:
            cells = nbformat.read(path, as_version=4).cells
        except Exception:  # nbformat trusts its input, so any exception is the file's
            raise CourseError(
                f"{path} cannot be read: run `grader release {name}` again."
            ) from None
        for cell in cells:
            tags[path.stem, grade_id_of(cell)] = tuple(cell.metadata.get("tags", ()))
    return tags


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
