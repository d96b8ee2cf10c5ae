"""Decides, from the text of a clean notebook, what of it runs in which kernel. Nothing is run here.

The instructor's word decides whose a name is. What instructor cells and tests define is theirs and
is never asked from the answer kernel; what a solution cell is there to define is the student's.
Where the instructor's copy is at hand the plan is made of it alone: a property test holds that no
order, copy or text of a submission's cells changes it.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

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
    strangers_names,
    words,
)
from grader.split.bridge.native import Text
from grader.split.recorder import is_test
from grader.split.shown import shown_functions

INJECTED = "injected-parameters"
IN_ALL = 300_000
"""Characters of students' cells that are read as Python; of the others the words are enough."""
_STAR = re.compile(r"^\s*%(run|load|pylab|store)\b|\bimport\s+\*|\bexec\b", re.MULTILINE)
_IPYTHON = words("get_ipython display exit quit In Out _ __ ___")
_WORD = re.compile(r"\w+")
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
        overrides: names that classes of the reference define, and with a dot before them
            attributes that it assigns; None where nobody says.
    """

    cells: tuple[CellPlan, ...]
    prelude: tuple[str, ...]
    classes: frozenset[str] | None = None
    watched: frozenset[str] = frozenset()
    shown: tuple[Text, ...] = ()
    overrides: frozenset[str] | None = None


@dataclass
class _Names:
    """Whose names are whose, as the notebook goes on."""

    reserved: set[str] = field(default_factory=set)
    passing: set[str] = field(default_factory=set)
    """Values that a test left behind, which the student may define anew."""
    owned: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Cell:
    """A code cell as the plan sees it.

    Attributes:
        at: its place among all cells of the notebook.
        node: the cell itself.
        source: its text; "" where a student wrote it and the instructor's copy is at hand.
        students: a student writes it.
    """

    at: int
    node: nbformat.NotebookNode
    source: str
    students: bool

    @property
    def test(self) -> bool:
        """It is an autograded test."""
        return is_test(self.node)

    @property
    def marked(self) -> bool:
        """The instructor asked for it to run in the answer kernel."""
        return not self.students and is_marked(self.source)

    @property
    def grade_id(self) -> str:
        """Its name, or ""."""
        return str(self.node.metadata.get("nbgrader", {}).get("grade_id", ""))


def make_plan(
    notebook: nbformat.NotebookNode, template: NotebookTemplate | None = None
) -> NotebookPlan:
    """The plan of a clean notebook.

    With a template, what a student wrote decides nothing of what the test kernel is told: which
    cells run there, whose a name is, what is imported. It decides `CellPlan.answer` alone, for the
    student's own kernel.

    Args:
        notebook: whose metadata and instructor cells are the instructor's, in his order.
        template: what the instructor's own copy says of names and imports; without it both are
            read from the notebook alone.
    """
    codes = [(at, cell) for at, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    outline = _outline(codes, template)
    stated = {} if template is None else dict(template.defines)
    complete = template is not None and template.complete
    imports = list(template.imports) if template is not None else []
    for cell in outline:
        if not (cell.students or cell.marked):
            imports += import_statements(cell.source)
    tested = _tested_cells(outline, stated, template)
    done = _done_by_prelude(outline, tested, imports)
    names = _Names(reserved={name for line in imports for name in bound_names(line)})
    names.reserved |= _of_instructor(outline, tested, names.reserved)
    told: dict[int, CellPlan] = {}
    for cell in outline:
        if cell.students:
            _give(names, cell, stated, complete)
        told[cell.at] = CellPlan(
            cell.at,
            0,
            cell.test,
            "",
            cell.at in tested - done,
            cell.test and cell.marked,
            frozenset(names.owned),
            frozenset(names.reserved - names.owned),
            frozenset(names.shared),
        )
        if cell.at in tested:
            _take(names, cell)
    visible = _visible_needed(codes)
    cells = []
    number = 0
    for at, node in codes:
        injected = INJECTED in node.metadata.get("tags", [])
        number += not injected
        plan = told.get(at, CellPlan(at, 0, test=False, answer="", tested=False))
        answer = node.source
        if plan.test and not plan.marked:
            answer = without_hidden(node.source) if at in visible else ""
        cells.append(replace(plan, number=0 if injected else number, answer=answer))
    classes = frozenset(template.classes) if template is not None and complete else None
    wrong = () if template is None else template.misconceptions
    watched = frozenset(variant.function for variant in wrong)
    shown = shown_functions(without_hidden(c.source) for c in outline if c.at in tested)
    overrides = frozenset(template.overrides) if template is not None and complete else None
    prelude = tuple(dict.fromkeys(imports))
    return NotebookPlan(tuple(cells), prelude, classes, watched, shown, overrides)


def _outline(
    codes: list[tuple[int, nbformat.NotebookNode]], template: NotebookTemplate | None
) -> list[_Cell]:
    """The cells from which the plan is made: with a template the instructor's, in his order.

    Of an answer cell he says where it stands and what it is there to define, no more.
    """
    if template is None:
        return [_Cell(at, cell, cell.source, _is_students(cell)) for at, cell in codes]
    rank = {cell.grade_id: float(number) for number, cell in enumerate(template.cells)}
    tagged = (rank[cell.grade_id] for cell in template.cells if "parameters" in cell.tags)
    injected = next(tagged, -1.0) + 0.5
    found = []
    for at, cell in codes:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id is None and INJECTED not in cell.metadata.get("tags", []):
            continue
        students = _is_students(cell)
        place = rank.get(grade_id, at) if grade_id is not None else injected if rank else at
        found.append((place, _Cell(at, cell, "" if students else cell.source, students)))
    return [cell for _, cell in sorted(found, key=lambda each: each[0])]


def _is_students(cell: nbformat.NotebookNode) -> bool:
    """Whether a student writes a cell: an answer, or any cell that is not locked."""
    if INJECTED in cell.metadata.get("tags", []):
        return False
    return bool(is_solution(cell) or not is_locked(cell)) and not is_test(cell)


def _of_instructor(outline: list[_Cell], tested: set[int], imported: set[str]) -> set[str]:
    """Names that a student never defines for a test, from the first cell on.

    They are all that cells of the test kernel bind, but for those that one of these reads before:
    by then nobody but a student can have defined such a name.
    """
    bound = set(imported)
    early: set[str] = set()
    for cell in outline:
        if cell.at in tested:
            early |= read_names(cell.source) - bound
            bound |= bound_names(cell.source)
    return bound - early


def _take(names: _Names, cell: _Cell) -> None:
    """What a cell of the test kernel binds is the instructor's from then on."""
    bound = bound_names(cell.source)
    values = assigned_names(cell.source) if cell.test else frozenset()
    names.passing = (names.passing | values) - (bound - values)
    names.reserved |= bound
    names.owned -= bound
    if not cell.test:
        names.shared |= bound


def _give(names: _Names, cell: _Cell, stated: Mapping[str, list[str]], complete: bool) -> None:
    """What a solution cell is there to define is the student's from then on.

    Where the instructor's copy is at hand its word alone counts. Otherwise a student's cell may
    define anew what a test only left behind as a value, never what an instructor's cell defined.
    """
    given = set(stated.get(cell.grade_id, ()))
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
    outline: list[_Cell], stated: Mapping[str, list[str]], template: NotebookTemplate | None
) -> set[int]:
    """Which cells the test kernel runs: the tests, and instructor cells before the last of them.

    An instructor's cell that uses what students write, such as a plot of their results, is left
    out where no later cell of the test kernel needs what it defines: it shows, and tests nothing.
    What solutions and misconceptions read is needed too.
    """
    chosen: set[int] = set()
    needed = set(_read_by_catalogue(template))
    students = _students_names(outline, stated, template)
    after_last = True
    for cell in reversed(outline):
        if cell.students or cell.marked:
            continue
        if cell.test:
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
        chosen.add(cell.at)
        needed |= read_names(cell.source)
    return chosen


def _students_names(
    outline: list[_Cell], stated: Mapping[str, list[str]], template: NotebookTemplate | None
) -> set[str]:
    """Names that students define; without the instructor's solutions also what he leaves open."""
    found = set(() if template is None else template.loose)
    for cell in outline:
        if cell.students:
            found |= bound_names(cell.source) | set(stated.get(cell.grade_id, ()))
    ours = [cell.source for cell in outline if not cell.students]
    if template is not None and not template.complete and not any(map(_STAR.search, ours)):
        bound = {name for source in ours for name in bound_names(source)}
        read = {name for source in ours for name in read_names(source)}
        found |= {name for name in read - bound if not hasattr(builtins, name)} - _IPYTHON
    return found


def _done_by_prelude(outline: list[_Cell], tested: set[int], imports: list[str]) -> set[int]:
    """Cells that only import, with which the test kernel would begin: it has begun with that."""
    found: set[int] = set()
    for cell in outline:
        if cell.at in tested:
            tree = parse_cell(cell.source)
            body = [] if tree is None else tree.body
            lines = import_statements(cell.source)  # of all but __future__
            imported = 0 < len(body) == len(lines) and set(lines) <= set(imports)
            if not (imported and all(isinstance(each, _IMPORTS) for each in body)):
                break
            found.add(cell.at)
    return found


def _visible_needed(codes: list[tuple[int, nbformat.NotebookNode]]) -> set[int]:
    """Tests whose visible part defines what a later cell of the answer kernel reads.

    A student's text decides here too, and only what runs beside it in the student's own kernel.
    """
    shown = {at: bound_names(without_hidden(cell.source)) for at, cell in codes if is_test(cell)}
    every = frozenset[str]().union(*shown.values())
    found: set[int] = set()
    later: set[str] = set()
    room = IN_ALL
    for at, cell in reversed(codes):
        if at in shown:
            found |= {at} if shown[at] & later else set()
        elif not _is_students(cell):
            later = (later - bound_names(cell.source)) | read_names(cell.source)
        elif spoken := every & set(_WORD.findall(cell.source)):
            room -= len(cell.source)
            names = strangers_names(cell.source) if room >= 0 else None
            read, bound = names or (spoken, frozenset())
            later = (later - bound) | read
    return found
