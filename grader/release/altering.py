"""Values of an instructor's cell that a solution cell changes in place.

The test kernel has its own copy of such a value. Where the reference solution changes it, tests
take it from the student from there on (`grader.release.template.students_names`). That is read from
the text of the reference alone: if what a submission does decided it, a student could exchange the
data that a test compares with. What the text does not show is named here, or by `grader audit`,
which runs the reference.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution

from grader.release import names
from grader.release.changing import (
    changed_by_functions,
    changed_names,
    changing_functions,
    handed_over,
)
from grader.release.looking import assigned
from grader.release.marks import ANSWER_MARK, CHANGES_MARK, is_marked, said_to_change
from grader.release.names import words
from grader.release.sources import grade_id_of
from grader.release.template import students_names

_SHOWING = words(
    "IPython csv display gc json logging matplotlib mpl nose os pathlib pickle plotly plt pprint "
    "pytest seaborn sns sys tempfile time traceback unittest warnings"
)
"""Modules whose functions leave what they are given as it is."""
_HARMLESS = ("seed", "manual_seed", "save", "dump", "show", "print", "display", "assert", "check")


def find_alterations(cells: Sequence[NotebookNode]) -> Iterator[tuple[str, int, str]]:
    """What the text of the solution cells leaves open.

    Args:
        cells: the code cells of an instructor's notebook.

    Yields:
        grade_id of a solution cell, line, and what to do there.
    """
    values: set[str] = set()
    classes: set[str] = set()
    imported = {name for cell in cells for name in names.imported_names(cell.source)}
    changing: dict[str, frozenset[int | str]] = {}
    for at, cell in enumerate(cells):
        changing |= changing_functions(cell.source)
        if not is_solution(cell):
            if not is_grade(cell):
                values |= _changeable(cell.source)
                classes |= names.class_names(cell.source)
            continue
        yield from _class_attributes(cells, at, classes)
        said = said_to_change(cell.source)
        for name in sorted(said - values):
            yield (
                grade_id_of(cell),
                _line_of(cell.source),
                f"no cell of yours before it defines {name}: correct or remove the name after "
                f"`{CHANGES_MARK}`.",
            )
        bound = names.bound_names(cell.source)
        known = said | bound | changed_names(cell.source, changing)
        known |= changed_by_functions(cell.source)
        for line, called, given in handed_over(cell.source):
            if _may_change(called, imported):
                for name in sorted(given & values - known):
                    if tests := tests_using(cells, at, name):
                        yield grade_id_of(cell), line, _open_question(name, called, tests[0])
        values -= bound


def tests_using(cells: Sequence[NotebookNode], at: int, name: str) -> list[str]:
    """Tests of the test kernel behind cell `at` that use `name`, by themselves or by a helper."""
    using = {name}
    for cell in cells:
        if not (is_solution(cell) or is_grade(cell)) and name in names.names_in_functions(
            cell.source
        ):
            using |= names.function_names(cell.source)
    return [
        grade_id_of(cell)
        for cell in cells[at + 1 :]
        if is_grade(cell)
        and not is_solution(cell)
        and not is_marked(cell.source)
        and using & names.loaded_names(cell.source)
    ]


def unseen_changes(notebook: NotebookNode, altered: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Sentences about changes that a run of the reference showed, and that tests do not see.

    Args:
        notebook: the instructor's.
        altered: names of the instructor's values that changed in place while a solution cell or a
            test ran, by grade_id.
    """
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    ids = [grade_id_of(cell) for cell in cells]
    answers = [at for at, cell in enumerate(cells) if is_solution(cell)]
    known = students_names(cells, {ids[at]: set() for at in answers})
    changing: dict[str, frozenset[int | str]] = {}
    said: set[str] = set()
    for at, cell in enumerate(cells):
        changing |= changing_functions(cell.source)
        if at in answers:
            said |= {*known[ids[at]]}
        for name in sorted({*altered.get(ids[at], ())} - said):
            # what a test changes by itself is no student's doing
            does = [at] if at in answers else _by_a_function(cells, answers, at, name, changing)
            tests = tests_using(cells, does[0], name) if does else []
            if tests:
                yield (
                    f"The reference's cell {ids[does[0]]} changes {name} in place, and {tests[0]} "
                    f"does not see it: let the test make its own {name}, or write the comment "
                    f"line `{CHANGES_MARK} {name}` into {ids[does[0]]}."
                )
                said.add(name)


def _by_a_function(
    cells: Sequence[NotebookNode],
    answers: Sequence[int],
    at: int,
    name: str,
    changing: Mapping[str, frozenset[int | str]],
) -> list[int]:
    """The answer before test `at` whose functions know a name that changed while the test ran."""
    if name in changed_names(cells[at].source, changing):
        return []
    knowing = [a for a in answers if a < at and name in names.names_in_functions(cells[a].source)]
    return knowing[-1:]


def _changeable(source: str) -> frozenset[str]:
    """Values that a cell defines, but for numbers and texts, which nothing changes in place."""
    tree = names.parse_cell(source)
    given = [] if tree is None else list(assigned(tree))
    others = {name for name, value in given if not isinstance(value, ast.Constant)}
    plain = {name for name, value in given if isinstance(value, ast.Constant)}
    return names.assigned_names(source) - (plain - others)


def _class_attributes(
    cells: Sequence[NotebookNode], at: int, classes: set[str]
) -> Iterator[tuple[str, int, str]]:
    """Attributes that cell `at` sets on classes of the instructor's, each with the first test."""
    tree = names.parse_cell(cells[at].source)
    for node in ast.walk(tree) if tree is not None else ():
        if not isinstance(node, ast.Attribute) or isinstance(node.ctx, ast.Load):
            continue
        if isinstance(node.value, ast.Name) and node.value.id in classes:
            readers = {grade_id_of(c) for c in cells if f".{node.attr}" in c.source}
            tests = [test for test in tests_using(cells, at, node.value.id) if test in readers]
            if tests:
                yield (
                    grade_id_of(cells[at]),
                    node.lineno,
                    f"{tests[0]} does not see what becomes of {ast.unparse(node)}, since the test "
                    f"kernel has its own {node.value.id}. The comment line `{ANSWER_MARK}` in "
                    f"{tests[0]} runs it in the answer kernel, where a submission can see it.",
                )


def _may_change(called: str, imported: set[str]) -> bool:
    root, _, path = called.partition(".")
    return (
        root in imported - _SHOWING
        and not path.startswith("testing.")
        and not called.rpartition(".")[2].startswith(_HARMLESS)
    )


def _open_question(name: str, called: str, test: str) -> str:
    return (
        f"if {called} changes {name} in place, {test} does not see it, since the test kernel has "
        f"its own {name}. The comment line `{CHANGES_MARK} {name}` in that cell lets tests take "
        f"{name} from the student from there on; where nothing changes, take the result of the "
        "call."
    )


def _line_of(source: str) -> int:
    for number, line in enumerate(source.splitlines(), 1):
        if said_to_change(line):
            return number
    return 1
