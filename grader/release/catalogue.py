"""Catalogues: other ways to write an assignment's functions, wrong and right, by name.

A catalogue (misconceptions.py or alternatives.py beside an assignment's text source) is a module
of plain functions named `<function>__<what>`. Each replaces `<function>` of the reference, and
may use the names that the notebook defines, its catalogue's imports, and its catalogue's helper
functions, whose names start with "_". Its docstring is the sentence for a student who wrote this.
A misconception may also be an edit of the reference (`edits.py`), in misconceptions.toml.
Catalogues are read as text here: nothing is executed.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nbformat import NotebookNode

from grader.errors import CourseError
from grader.release.edits import Definition, read_edits

Kind = Literal["misconception", "alternative"]
MISCONCEPTIONS = "misconceptions.py"
EDITS = "misconceptions.toml"
ALTERNATIVES = "alternatives.py"
KINDS: dict[str, Kind] = {MISCONCEPTIONS: "misconception", ALTERNATIVES: "alternative"}


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


def load_variants(
    folder: Path, notebook: NotebookNode, kind: Kind | None = None
) -> tuple[Variant, ...]:
    """All that the catalogues in `folder` hold: misconceptions first, whole ones before edits.

    Args:
        folder: where they are, beside the text source; each may be missing.
        notebook: the instructor's, which edits change.
        kind: to read those of one kind only.

    Raises:
        CourseError: a catalogue is malformed, an edit does not fit, or a name stands twice.
    """
    found: list[Variant] = []
    if kind != "alternative" and (folder / MISCONCEPTIONS).is_file():
        found += load_catalogue(folder / MISCONCEPTIONS)
    if kind != "alternative" and (folder / EDITS).is_file():
        cells = [cell.source for cell in reference_cells(notebook)]
        found += [
            Variant(
                f"{edited.function}__{edited.name}",
                edited.function,
                "misconception",
                " ".join(edited.sentence.split()),
                ast.unparse(without_docstring(edited.node)),
            )
            for edited in read_edits(folder / EDITS, cells)
        ]
    if kind != "misconception" and (folder / ALTERNATIVES).is_file():
        found += load_catalogue(folder / ALTERNATIVES)
    _refuse_doubles(found, f"The catalogues in {folder} define")
    return tuple(found)


def reference_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells in which to look for what the reference defines: solutions, then others."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return sorted(cells, key=lambda cell: not cell.metadata.get("nbgrader", {}).get("solution"))


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
    _refuse_doubles(variants, f"The catalogue {path} defines")
    return variants


def _refuse_doubles(variants: Sequence[Variant], beginning: str) -> None:
    names = [variant.name for variant in variants]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise CourseError(f"{beginning} {', '.join(repeated)} twice.")


def without_docstring(node: Definition) -> Definition:
    """A definition without its docstring."""
    if ast.get_docstring(node) is None:
        return node
    changed = copy.deepcopy(node)
    changed.body = changed.body[1:] or [ast.Pass()]
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
    renamed = copy.deepcopy(without_docstring(node))
    renamed.name = function
    for inner in ast.walk(renamed):  # a recursive variant calls itself by its own name
        if isinstance(inner, ast.Name) and inner.id == node.name:
            inner.id = function
    source = "\n\n\n".join(ast.unparse(each) for each in [*_used(renamed, tools), renamed])
    return Variant(node.name, function, kind, " ".join(sentence.split()), source)


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
