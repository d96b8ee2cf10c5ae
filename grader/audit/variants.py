"""Other answers to an assignment, made from its reference notebook and its catalogues.

A catalogue (misconceptions.py or alternatives.py beside an assignment's text source) is a module
of plain functions named `<function>__<what>`. Each replaces `<function>` of the reference, and
may use the names that the notebook defines, its catalogue's imports, and its catalogue's helper
functions, whose names start with "_". Its docstring is the sentence for a student who wrote this.
Catalogues are read as text here: nothing is executed.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nbformat import NotebookNode

from grader.errors import CourseError

Kind = Literal["misconception", "alternative"]
KINDS: dict[str, Kind] = {"misconceptions.py": "misconception", "alternatives.py": "alternative"}


@dataclass(frozen=True)
class Variant:
    """One other way to write one function of an assignment."""

    name: str
    """The catalogue's name of it, `<function>__<what>`."""
    function: str
    """The function of the reference that it replaces."""
    kind: Kind
    sentence: str
    """Its docstring on one line: what a student who wrote this should read."""
    source: str
    """Source of a definition of `function`, after the imports and helpers that it uses; without
    comments and docstrings, as a student's answer would not hold the sentence."""


@dataclass(frozen=True)
class Step:
    """A solution cell and the test cell that scores it."""

    solution_id: str
    test_id: str
    points: float
    functions: tuple[str, ...]
    """The functions and classes that the solution cell defines at its top level."""


def load_catalogue(path: Path) -> list[Variant]:
    """Read the variants in the catalogue at `path`, in its order.

    Raises CourseError where the file cannot be read, is no Python, is named like no catalogue,
    or holds anything but imports, helpers and documented functions named `<function>__<what>`.
    """
    kind = KINDS.get(path.name)
    if kind is None:
        raise CourseError(f"{path} is not a catalogue: name it {' or '.join(KINDS)}.")
    try:
        module = ast.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CourseError(f"The catalogue {path} cannot be read: {error.strerror}.") from None
    except (SyntaxError, UnicodeDecodeError) as error:
        raise CourseError(f"The catalogue {path} is not valid Python: {error}.") from None
    body = module.body[1:] if ast.get_docstring(module) is not None else module.body
    tools = [node for node in body if _is_tool(node)]
    variants = [_variant(node, kind, tools, path) for node in body if not _is_tool(node)]
    repeated = {v.name for v in variants if sum(w.name == v.name for w in variants) > 1}
    if repeated:
        raise CourseError(f"The catalogue {path} defines {', '.join(sorted(repeated))} twice.")
    return variants


def steps_of(notebook: NotebookNode) -> list[Step]:
    """Pair each autograded solution cell with the next test cell, in the notebook's order.

    Several solution cells before one test cell are one step of which the last gives the id.
    """
    steps = []
    waiting: list[NotebookNode] = []
    for cell in notebook.cells:
        settings = _nbgrader(cell)
        if cell.cell_type != "code":
            continue
        if settings.get("solution") and not settings.get("grade"):
            waiting.append(cell)
        elif settings.get("grade") and not settings.get("solution") and waiting:
            names = tuple(name for each in waiting for name in _definitions(each))
            solution_id = _nbgrader(waiting[-1])["grade_id"]
            points = float(settings.get("points", 0))
            steps.append(Step(solution_id, settings["grade_id"], points, names))
            waiting = []
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


def _variant(node: ast.stmt, kind: Kind, tools: list[ast.stmt], path: Path) -> Variant:
    place = f"{path}, line {node.lineno}"
    if not isinstance(node, ast.FunctionDef | ast.ClassDef):
        raise CourseError(f"{place}: a catalogue holds only imports and functions.")
    function, mark, what = node.name.partition("__")
    if not (function and mark and what):
        raise CourseError(f"{place}: name {node.name} as <function>__<what>.")
    sentence = ast.get_docstring(node)
    if not sentence:
        raise CourseError(f"{place}: {node.name} needs a docstring, the sentence to be shown.")
    renamed = copy.deepcopy(node)
    renamed.name = function
    renamed.body = renamed.body[1:] or [ast.Pass()]
    for inner in ast.walk(renamed):  # a recursive variant calls itself by its own name
        if isinstance(inner, ast.Name) and inner.id == node.name:
            inner.id = function
    source = "\n\n\n".join(ast.unparse(each) for each in [*_used(renamed, tools), renamed])
    return Variant(node.name, function, kind, " ".join(sentence.split()), source)


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


def _is_tool(node: ast.stmt) -> bool:
    """Whether a catalogue's statement is an import or a helper function."""
    is_import = isinstance(node, ast.Import | ast.ImportFrom)
    return is_import or (isinstance(node, ast.FunctionDef) and node.name.startswith("_"))


def _used(node: ast.stmt, tools: list[ast.stmt]) -> list[ast.stmt]:
    """The imports and helpers that `node` needs, and that those need, in the catalogue's order."""
    wanted, known = [node], {id(node)}
    for each in wanted:
        names = {inner.id for inner in ast.walk(each) if isinstance(inner, ast.Name)}
        new = [tool for tool in tools if id(tool) not in known and names & _bound(tool)]
        known |= {id(tool) for tool in new}
        wanted += new
    return [tool for tool in tools if id(tool) in known]


def _bound(tool: ast.stmt) -> set[str]:
    if isinstance(tool, ast.FunctionDef):
        return {tool.name}
    aliases = tool.names if isinstance(tool, ast.Import | ast.ImportFrom) else []
    return {(alias.asname or alias.name).split(".")[0] for alias in aliases}
