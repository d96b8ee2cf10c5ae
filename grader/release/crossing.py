"""What a test asks for that cannot cross from the answer kernel to the test kernel.

Tests run in a kernel of their own, and reach what students wrote only by calling it and by
receiving plain data. A few constructs need more. They are found here by reading the source, when
an assignment is released: nothing is run, and nothing is refused. What cannot be told from the
source (which functions read a file, say) is passed over.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import nbformat
from nbgrader.utils import is_grade, is_locked, is_solution

from grader.release import names
from grader.release.altering import find_alterations
from grader.release.differing import differing
from grader.release.looking import HISTORY, Reach, unreachable
from grader.release.marks import ANSWER_MARK, is_marked, without_hidden
from grader.release.running import running
from grader.release.sources import grade_id_of

_ADVICE = (
    f"The comment line `{ANSWER_MARK}` in that cell runs it in the answer kernel, where a "
    "submission can see it"
)
_OF_IPYTHON = ["get_ipython", "display", "exit", "quit", "In", "Out", "_", "__", "___"]
_OF_MODULES = ["__name__", "__file__", "__doc__", "__builtins__", "__annotations__"]
_KNOWN = frozenset([*dir(builtins), *_OF_IPYTHON, *_OF_MODULES])
_UNKNOWABLE = re.compile(
    r"^\s*%(run|load|pylab|store)\b|^\s*from\s+[\w.]+\s+import\s+\*", re.MULTILINE
)
"""What defines names that cannot be read off: a star import, a script that is run."""


@dataclass(frozen=True)
class Finding:
    """One place in a cell that will not work, or may not, as it does in one kernel.

    Attributes:
        notebook: name of the notebook.
        grade_id: the cell, a test or an answer.
        line: line of that cell, counted from 1.
        sentence: what stands in the way, and what to do.
    """

    notebook: str
    grade_id: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.notebook}, cell {self.grade_id}, line {self.line}: {self.sentence}"


def find_crossings(name: str, notebook: nbformat.NotebookNode) -> tuple[Finding, ...]:
    """Look through the tests of one instructor's notebook, and what answers do to its data.

    Args:
        name: the notebook's name, for the findings.
        notebook: with its solutions and hidden tests.

    Returns:
        Findings in order of cell and line; none for a cell with the line `ANSWER_MARK`, and none
        for what is no Python.
    """
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    cells = [_Cell.read(cell) for cell in codes]
    found = {
        Finding(name, cell.grade_id, line + cell.shift, sentence): None
        for at, cell in enumerate(cells)
        if cell.side is _Side.TEST and cell.tree is not None
        for line, sentence in sorted({*_examine(cells, at)})
    }
    found |= {Finding(name, *place): None for place in find_alterations(codes)}
    return tuple(found)


class _Side(Enum):
    """Who writes a cell and where it runs."""

    STUDENT = "the answer kernel"
    OWN = "both kernels"
    TEST = "the test kernel"


@dataclass(frozen=True)
class _Cell:
    """A code cell; `tree` is None where it is no Python."""

    grade_id: str
    side: _Side
    source: str

    @classmethod
    def read(cls, cell: nbformat.NotebookNode) -> _Cell:
        """Read a cell of the source."""
        if is_grade(cell) and not is_solution(cell):
            # what runs in the answer kernel is out of reach like what students write
            side = _Side.STUDENT if is_marked(cell.source) else _Side.TEST
        else:
            side = _Side.OWN if is_locked(cell) else _Side.STUDENT
        return cls(grade_id_of(cell), side, cell.source)

    @property
    def tree(self) -> ast.Module | None:
        """Its syntax tree."""
        return names.parse_cell(self.source)

    @property
    def shift(self) -> int:
        """Lines before the first line of the tree."""
        return len(self.source) - len(self.source.lstrip("\n"))

    @cached_property
    def binds(self) -> frozenset[str]:
        """Names that the cell gives a value, or takes one from, in the notebook's namespace."""
        return names.bound_names(self.source) | names.deleted_names(self.source)

    @cached_property
    def visible_binds(self) -> frozenset[str]:
        """Those of `binds` that stand outside hidden tests, which the answer kernel may run."""
        return names.bound_names(without_hidden(self.source))

    @cached_property
    def imports(self) -> frozenset[str]:
        """Names that it binds by an import."""
        return names.imported_names(self.source)

    @cached_property
    def defines(self) -> frozenset[str]:
        """Names that it binds to a function or a class."""
        return names.function_names(self.source) | names.class_names(self.source)

    @cached_property
    def reads(self) -> frozenset[str]:
        """Names of the notebook's namespace that it reads, in functions too."""
        return names.loaded_names(self.source)

    @cached_property
    def read_in_functions(self) -> frozenset[str]:
        """Names of the notebook's namespace that its functions and classes read."""
        return names.names_in_functions(self.source)

    def line_of(self, name: str, kinds: tuple[type[ast.expr_context], ...]) -> int:
        """The first line where `name` stands in one of these ways; 1 where it is hard to tell."""
        lines = [1] if self.tree is None else []
        for node in ast.walk(self.tree) if self.tree else ():
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                lines += [node.lineno] * (node.name == name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, kinds):
                lines += [node.lineno] * (node.id == name)
        return min(lines, default=1)


def _names(cells: Iterable[_Cell], kind: str) -> frozenset[str]:
    return frozenset[str]().union(*(getattr(cell, kind) for cell in cells))


def _examine(cells: list[_Cell], at: int) -> Iterator[tuple[int, str]]:
    """Lines and sentences about the test cell at this place."""
    cell = cells[at]
    students = [each for each in cells if each.side is _Side.STUDENT]
    own = [each for each in cells if each.side is _Side.OWN]
    visible = [*own, *(each for each in cells if each.side is _Side.TEST)]
    reach = Reach(
        [each.tree for each in visible if each.tree is not None],
        own=_names(visible, "defines"),
        bound=_names(visible, "binds"),
        # every import of the source runs in the test kernel, too
        students=_names(students, "binds") - _names(students, "imports") - _names(visible, "binds"),
        theirs=[each.tree for each in students if each.tree is not None],
    )
    if magic := names.transparent_magic(cell.source):
        yield 1, f"what stands under {magic} is not read cell by cell here. {_ADVICE}."
    for line, reason in unreachable(cell.tree, reach) if cell.tree else ():
        yield line, f"{reason}. {_ADVICE}."
    for line, reason in differing(cell.tree, reach) if cell.tree else ():
        yield line, f"{reason}. {_ADVICE}."
    for line, reason in running(cell.tree, reach) if cell.tree else ():
        yield line, f"{reason}. {_ADVICE}."
    elsewhere = _names([*own, *students], "binds") | _KNOWN
    changed = (cell.binds - cell.imports) & elsewhere
    for name in sorted(changed & _names(students, "read_in_functions")):
        sentence = (
            f"it gives {name} another value, but a student's function that reads {name} keeps "
            f"reading the one of the answer kernel. {_ADVICE}."
        )
        yield cell.line_of(name, (ast.Store, ast.Del)), sentence
    yield from _unknown_names(cell, cells, students, visible)
    yield from _needed_later(cell, cells[at + 1 :], elsewhere)


def _unknown_names(
    cell: _Cell, cells: list[_Cell], students: list[_Cell], visible: list[_Cell]
) -> Iterator[tuple[int, str]]:
    """Names that no cell of the source defines."""
    if any(each.tree is None or _UNKNOWABLE.search(each.source) for each in cells):
        return
    missing = cell.reads - _names([*visible, *students], "binds") - _KNOWN
    for name in sorted(missing):
        if not HISTORY.fullmatch(name):
            sentence = (
                f"it uses {name}, which no cell of the source defines, no solution either: "
                "correct the name, or define it."
            )
            yield cell.line_of(name, (ast.Load,)), sentence


def _needed_later(
    cell: _Cell, later: list[_Cell], elsewhere: frozenset[str]
) -> Iterator[tuple[int, str]]:
    """Names that only a hidden test defines and that a cell of the answer kernel reads."""
    hidden = cell.binds - elsewhere - cell.visible_binds
    for each in later:
        if each.side is _Side.TEST:
            continue
        for name in sorted(hidden & each.reads):
            who = f"the cell {each.grade_id}" if each.grade_id else "a later cell"
            sentence = (
                f"{who} needs {name}, which only this hidden test defines, and hidden tests do "
                "not run in the answer kernel: define it in a cell of your own."
            )
            yield cell.line_of(name, (ast.Store,)), sentence
