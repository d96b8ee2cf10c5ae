"""Other answers to an assignment, made from its reference notebook and its catalogues."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from nbformat import NotebookNode

from grader.errors import CourseError
from grader.release.catalogue import Variant, reference_cells
from grader.release.edits import definition_in


@dataclass(frozen=True)
class Step:
    """What a student writes, and the tests that score it."""

    solution_ids: tuple[str, ...]
    test_ids: tuple[str, ...]
    points: float
    functions: tuple[str, ...]
    """The functions and classes that the solution cells define at their top level."""

    @property
    def solution_id(self) -> str:
        """The step's name: the grade_id of its last solution cell."""
        return self.solution_ids[-1]

    @property
    def test_id(self) -> str:
        """The grade_id of its first test cell."""
        return self.test_ids[0]


def steps_of(notebook: NotebookNode) -> list[Step]:
    """Pair autograded solution cells with the test cells that follow, in the notebook's order.

    Several solution cells before one test cell are one step; so are several tests after one.
    """
    steps: list[Step] = []
    waiting: list[NotebookNode] = []
    for cell in notebook.cells:
        settings = _nbgrader(cell)
        if cell.cell_type != "code":
            continue
        if settings.get("solution") and not settings.get("grade"):
            waiting.append(cell)
        elif settings.get("grade") and not settings.get("solution"):
            points, test = float(settings.get("points", 0)), (settings["grade_id"],)
            if waiting:
                names = tuple(name for each in waiting for name in _definitions(each))
                ids = tuple(_nbgrader(each)["grade_id"] for each in waiting)
                steps.append(Step(ids, test, points, names))
                waiting = []
            elif steps:
                last = steps.pop()
                tests, total = last.test_ids + test, last.points + points
                steps.append(replace(last, test_ids=tests, points=total))
    return steps


def step_of(notebook: NotebookNode, function: str) -> Step:
    """Return the step whose solution cell defines `function`; raises CourseError without one."""
    found = [step for step in steps_of(notebook) if function in step.functions]
    if len(found) != 1:
        raise CourseError(
            f"The function {function} must be defined in exactly one solution cell that a test "
            f"cell follows, but it is defined in {len(found)}."
        )
    return found[0]


def asked(notebook: NotebookNode, variants: Iterable[Variant]) -> tuple[Variant, ...]:
    """The variants of what students write.

    Those of a function that the notebook only gives are candidates for a test that students
    write. A variant of what nobody defines stays, so that `step_of` says so.
    """
    written = {name for step in steps_of(notebook) for name in step.functions}
    shown = [cell for cell in reference_cells(notebook) if not _nbgrader(cell).get("solution")]
    return tuple(
        variant
        for variant in variants
        if variant.function in written
        or all(definition_in(cell.source, variant.function) is None for cell in shown)
    )


def apply_variant(notebook: NotebookNode, variant: Variant) -> NotebookNode:
    """Return a copy of `notebook` whose definition of `variant.function` is the variant's.

    Everything else stays, comments and the rest of that cell included. Raises CourseError where
    no solution cell, or more than one, defines the function.
    """
    step_of(notebook, variant.function)
    changed = copy.deepcopy(notebook)
    for cell in changed.cells:
        if _nbgrader(cell).get("solution") and variant.function in _definitions(cell):
            cell.source = _replace(cell.source, variant.function, variant.source)
    return changed


def blank(notebook: NotebookNode, solution_id: str | None = None) -> NotebookNode:
    """Return a copy of `notebook` with solutions replaced by nbgrader's stubs.

    With `solution_id` only the solution cell of that grade_id is blanked. Raises CourseError
    where there is no such cell.
    """
    # imported here because it takes more than a second
    from nbconvert.exporters.exporter import ResourcesDict
    from nbgrader.preprocessors import ClearSolutions

    changed = copy.deepcopy(notebook)
    cleared, _ = ClearSolutions().preprocess(copy.deepcopy(notebook), ResourcesDict())
    ids = [_nbgrader(cell).get("grade_id") for cell in changed.cells]
    if solution_id is not None and solution_id not in ids:
        raise CourseError(f"There is no cell with the grade_id {solution_id} to blank.")
    for cell, empty, grade_id in zip(changed.cells, cleared.cells, ids, strict=True):
        if solution_id in (None, grade_id):
            cell.source = empty.source
    return changed


def _replace(source: str, function: str, replacement: str) -> str:
    lines = source.splitlines()
    found = [node for node in ast.parse(source).body if getattr(node, "name", None) == function]
    for node in reversed(found):
        decorators: list[Any] = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(each.lineno for each in decorators)])
        last = node.end_lineno or node.lineno
        while last < len(lines) and _still_inside(lines[last:]):
            last += 1
        lines[first - 1 : last] = replacement.splitlines() if node is found[-1] else []
    return "\n".join(lines)


def _still_inside(lines: list[str]) -> bool:
    """Whether the next line that is not blank is an indented comment, which ast does not see."""
    for line in lines:
        if line.strip():
            return line[0].isspace()
    return False


def _definitions(cell: NotebookNode) -> list[str]:
    try:
        body = ast.parse(cell.source).body
    except SyntaxError:
        return []
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return list(dict.fromkeys(node.name for node in body if isinstance(node, definitions)))


def _nbgrader(cell: NotebookNode) -> dict[str, Any]:
    settings: dict[str, Any] = cell.metadata.get("nbgrader", {})
    return settings
