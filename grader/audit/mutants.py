"""Mutants of an assignment: its reference with one small mistake each."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType

from grader.audit.operators import OPERATORS, Source


@dataclass(frozen=True)
class Mutant:
    """One wrong edit of a solution cell.

    Attributes:
        grade_id: of the solution cell.
        function: the function or class at the top level of the cell that the edit is in.
        operator: what kind of mistake.
        line: in the cell, from 1.
        source: the whole cell with the edit.
        removed: the lines that the edit changed, without what surrounds them.
        added: what stands there instead.
    """

    grade_id: str
    function: str
    operator: str
    line: int
    source: str
    removed: str
    added: str


def mutants_of(grade_id: str, source: str, begin: str, end: str) -> list[Mutant]:
    """All mutants of one solution cell, without doubles and without those that change nothing.

    Args:
        grade_id: of the cell.
        source: its text.
        begin: what opens a solution region, nbgrader's marker.
        end: what closes it. In a cell without markers all is solution.
    """
    try:
        parsed = Source(source)
    except SyntaxError:  # a magic, or no Python at all
        return []
    inside = _solution_lines(source, begin, end)
    seen = {_meaning(source)}
    found = []
    for definition in parsed.tree.body:
        for node in _nodes(definition):
            if getattr(node, "lineno", None) not in inside:
                continue
            for name, operator in OPERATORS.items():
                for edit in operator(node, parsed):
                    if edit is None:
                        continue
                    changed = source[: edit.start] + edit.text + source[edit.end :]
                    meaning = _meaning(changed)
                    if meaning is None or meaning in seen:
                        continue
                    seen.add(meaning)
                    removed, added = _difference(source, changed)
                    function = getattr(definition, "name", "")
                    line = source.count("\n", 0, edit.start) + 1
                    found.append(Mutant(grade_id, function, name, line, changed, removed, added))
    return found


def _solution_lines(source: str, begin: str, end: str) -> set[int]:
    lines = source.splitlines()
    if not any(begin in line for line in lines):
        return set(range(1, len(lines) + 1))
    inside, found = False, set()
    for number, line in enumerate(lines, 1):
        if begin in line:
            inside = True
        elif end in line:
            inside = False
        elif inside:
            found.add(number)
    return found


def _nodes(root: ast.AST) -> Iterator[ast.AST]:
    """Every node that can matter: not annotations, docstrings, or the words of an exception."""
    yield root
    skipped: list[ast.AST] = []
    if isinstance(root, ast.Raise):
        skipped += [root.exc] if root.exc is not None else []
    elif isinstance(root, ast.Expr) and isinstance(root.value, ast.Constant):
        skipped.append(root.value)
    for field in ("annotation", "returns"):
        child = getattr(root, field, None)
        skipped += [child] if child is not None else []
    for child in ast.iter_child_nodes(root):
        if child not in skipped:
            yield from _nodes(child)


def _meaning(source: str) -> object:
    """What a cell does, as far as the compiler sees; None where it is no Python."""
    try:
        return _compiled(compile(source, "cell", "exec", dont_inherit=True))
    except (SyntaxError, ValueError):
        return None


def _compiled(code: CodeType) -> object:
    constants = tuple(
        _compiled(value) if isinstance(value, CodeType) else (type(value).__name__, repr(value))
        for value in code.co_consts
    )
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars


def _difference(before: str, after: str) -> tuple[str, str]:
    """The lines that differ, stripped of their common indentation by `_flat`."""
    old, new = before.splitlines(), after.splitlines()
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    changes = [op for op in matcher.get_opcodes() if op[0] != "equal"]
    first, last = changes[0], changes[-1]
    return _flat(old[first[1] : last[2]]), _flat(new[first[3] : last[4]])


def _flat(lines: list[str]) -> str:
    indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    shift = min(indents, default=0)
    return "\n".join(line[shift:].rstrip() for line in lines)
