"""Decides, from the text of a clean notebook, what of it runs in which kernel. Nothing is run here.

The instructor's word decides whose a name is. What instructor cells and tests define is theirs and
is never asked from the answer kernel; what a solution cell is there to define is the student's.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping
from dataclasses import dataclass, field

import nbformat
from nbgrader.utils import is_locked, is_solution

from grader.release import NotebookTemplate, is_marked, without_hidden
from grader.release.names import (
    assigned_names,
    bound_names,
    defined_names,
    import_statements,
    parse_cell,
    read_names,
)
from grader.split.bridge.native import Text
from grader.split.recorder import is_test
from grader.split.shown import shown_functions

INJECTED = "injected-parameters"
_IMPORTS = (ast.Import, ast.ImportFrom)


@dataclass(frozen=True)
class CellPlan:
    """One code cell.

    Attributes:
        index: its place among all cells of the notebook.
        number: its place among the code cells, from 1, as a student counts them; 0 for the one
            that papermill adds.
        test: it is an autograded test.
        answer: its source in the answer kernel, or "" where it does not run there. For a test
            this is its visible part, where a later cell of the student's needs what it defines.
        tested: it runs in the test kernel.
        marked: the instructor asked for this test to run in the answer kernel.
        owned: names that are the student's, whatever the test kernel or Python had under them.
        reserved: names that are never asked from the answer kernel.
        shared: names that both kernels define alike.
    """

    index: int
    number: int
    test: bool
    answer: str
    tested: bool
    marked: bool = False
    owned: frozenset[str] = frozenset()
    reserved: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()


@dataclass(frozen=True)
class NotebookPlan:
    """All code cells.

    Attributes:
        cells: in order.
        prelude: imports with which the test kernel begins.
        classes: names under which students are to define classes; None where nobody says.
        watched: functions that have misconceptions, so that a test's calls of them are recorded.
        shown: functions of the instructor's that students have read and that only compute.
    """

    cells: tuple[CellPlan, ...]
    prelude: tuple[str, ...]
    classes: frozenset[str] | None = None
    watched: frozenset[str] = frozenset()
    shown: tuple[Text, ...] = ()


@dataclass
class _Names:
    """Whose names are whose, as the notebook goes on."""

    reserved: set[str] = field(default_factory=set)
    passing: set[str] = field(default_factory=set)
    """Values that a test left behind, which the student may define anew."""
    owned: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)


def make_plan(
    notebook: nbformat.NotebookNode, template: NotebookTemplate | None = None
) -> NotebookPlan:
    """The plan of a clean notebook.

    Args:
        notebook: whose metadata and instructor cells are the instructor's.
        template: what the instructor's own copy says of names and imports; without it both are
            read from the notebook alone.
    """
    stated = {} if template is None else dict(template.defines)
    complete = template is not None and template.complete
    imports = list(template.imports) if template is not None else []
    codes = [(at, cell) for at, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    for _, cell in codes:
        if not _is_students(cell):
            imports += import_statements(_tested_source(cell))
    tested = _tested_cells(codes, stated, _read_by_catalogue(template))
    done = _done_by_prelude(codes, tested, imports)
    visible = _visible_needed(codes)
    names = _Names(reserved={name for line in imports for name in bound_names(line)})
    cells = []
    number = 0
    for at, cell in codes:
        number += INJECTED not in cell.metadata.get("tags", [])
        marked = is_test(cell) and is_marked(cell.source)
        if _is_students(cell):
            _give(names, cell, stated, complete)
        answer = cell.source
        if is_test(cell) and not marked:
            answer = without_hidden(cell.source) if at in visible else ""
        cells.append(
            CellPlan(
                at,
                0 if INJECTED in cell.metadata.get("tags", []) else number,
                is_test(cell),
                answer,
                at in tested - done,
                marked,
                frozenset(names.owned),
                frozenset(names.reserved - names.owned),
                frozenset(names.shared),
            )
        )
        if at in tested:
            _take(names, cell)
    classes = frozenset(template.classes) if template is not None and complete else None
    wrong = () if template is None else template.misconceptions
    watched = frozenset(variant.function for variant in wrong)
    shown = shown_functions(without_hidden(c.source) for at, c in codes if at in tested)
    return NotebookPlan(tuple(cells), tuple(dict.fromkeys(imports)), classes, watched, shown)


def _is_students(cell: nbformat.NotebookNode) -> bool:
    """Whether a student writes a cell: an answer, or any cell that is not locked."""
    if INJECTED in cell.metadata.get("tags", []):
        return False
    return bool(is_solution(cell) or not is_locked(cell)) and not is_test(cell)


def _tested_source(cell: nbformat.NotebookNode) -> str:
    return "" if is_marked(cell.source) else str(cell.source)


def _take(names: _Names, cell: nbformat.NotebookNode) -> None:
    """What a cell of the test kernel binds is the instructor's from then on."""
    bound = bound_names(cell.source)
    values = assigned_names(cell.source) if is_test(cell) else frozenset()
    names.passing = (names.passing | values) - (bound - values)
    names.reserved |= bound
    names.owned -= bound
    if not is_test(cell):
        names.shared |= bound


def _give(
    names: _Names, cell: nbformat.NotebookNode, stated: Mapping[str, list[str]], complete: bool
) -> None:
    """What a solution cell is there to define is the student's from then on.

    Where the instructor's source is at hand its word alone counts. Otherwise a student's cell may
    define anew what a test only left behind as a value, never what an instructor's cell defined.
    """
    given = set(stated.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""), ()))
    if not complete:
        given |= bound_names(cell.source) & names.passing
    if not stated:
        given |= {name for name in defined_names(cell.source) if hasattr(builtins, name)}
    names.reserved -= given
    names.passing -= given
    names.shared -= given
    names.owned |= given


def _read_by_catalogue(template: NotebookTemplate | None) -> frozenset[str]:
    if template is None or not template.misconceptions:
        return frozenset()
    wrong = (variant.source for variant in template.misconceptions)
    read = {name for source in (*template.solutions, *wrong) for name in read_names(source)}
    return frozenset(read - {variant.function for variant in template.misconceptions})


def _tested_cells(
    codes: list[tuple[int, nbformat.NotebookNode]],
    stated: Mapping[str, list[str]],
    replayed: frozenset[str],
) -> set[int]:
    """Which cells the test kernel runs: the tests, and instructor cells before the last of them.

    An instructor's cell that uses what students write, such as a plot of their results, is left
    out where no later cell of the test kernel needs what it defines: it shows, and tests nothing.
    What solutions and misconceptions read (`replayed`) is needed too.
    """
    chosen: set[int] = set()
    needed = set(replayed)
    students: set[str] = set()
    for _, cell in codes:
        if _is_students(cell):
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
            students |= bound_names(cell.source) | set(stated.get(grade_id, ()))
    after_last = True
    for at, cell in reversed(codes):
        if _is_students(cell) or is_marked(cell.source):
            continue
        if is_test(cell):
            after_last = False
        elif after_last:
            continue
        else:
            reads = read_names(cell.source)
            if (
                reads & students
                and parse_cell(cell.source)
                and not (bound_names(cell.source) & needed)
            ):
                continue
        chosen.add(at)
        needed |= read_names(cell.source)
    return chosen


def _done_by_prelude(
    codes: list[tuple[int, nbformat.NotebookNode]], tested: set[int], imports: list[str]
) -> set[int]:
    """Cells that only import, with which the test kernel would begin: it has begun with that."""
    found: set[int] = set()
    for at, cell in codes:
        if at in tested:
            tree = parse_cell(cell.source)
            body = [] if tree is None else tree.body
            lines = import_statements(cell.source)  # of all but __future__
            imported = 0 < len(body) == len(lines) and set(lines) <= set(imports)
            if not (imported and all(isinstance(each, _IMPORTS) for each in body)):
                break
            found.add(at)
    return found


def _visible_needed(codes: list[tuple[int, nbformat.NotebookNode]]) -> set[int]:
    """Tests whose visible part defines what a later cell of the answer kernel reads."""
    found: set[int] = set()
    later: set[str] = set()
    for at, cell in reversed(codes):
        if not is_test(cell):
            later = (later - bound_names(cell.source)) | read_names(cell.source)
        elif bound_names(without_hidden(cell.source)) & later:
            found.add(at)
    return found
