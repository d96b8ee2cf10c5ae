"""What the classes of a solution define: an instructor's class may have some of it, too."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from grader.release.names import parse_cell

_DECORATED = ("__eq__", "__ge__", "__gt__", "__hash__", "__le__", "__lt__", "__ne__", "__repr__")
"""What a decorator may give a class without a word."""


def members_of_classes(sources: Iterable[str]) -> tuple[str, ...]:
    """Names that the bodies of these cells' classes bind, in order.

    Where one of them is a method of an instructor's class too, the student is to override it.
    With a dot before them, attributes that the cells assign to any object.
    """
    return tuple(sorted({name for source in sources for name in _members(source)}))


def _members(source: str) -> Iterator[str]:
    tree = parse_cell(source)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield f".{node.attr}"
        if isinstance(node, ast.ClassDef) and node.decorator_list:  # such as @dataclass
            yield from _DECORATED
        for part in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield part.name
            elif isinstance(part, ast.Assign | ast.AnnAssign):
                targets = part.targets if isinstance(part, ast.Assign) else [part.target]
                yield from (each.id for each in targets if isinstance(each, ast.Name))
