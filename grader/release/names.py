"""What names a cell binds, reads and imports, judged from its text alone."""

from __future__ import annotations

import ast
import functools
import symtable
from collections.abc import Iterator
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@functools.cache
def parse_cell(source: str) -> ast.Module | None:
    """The syntax tree of a cell, IPython's own syntax translated; None where it has none."""
    code = _python(source)
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@functools.cache
def _python(source: str) -> str:
    try:
        manager: Any = TransformerManager()  # type: ignore[no-untyped-call]  # IPython's
        return str(manager.transform_cell(source))
    except (SyntaxError, ValueError, RecursionError):
        return source


def bound_names(source: str) -> frozenset[str]:
    """Names that a cell defines in the notebook: by assignment, def, class, import, for, with."""
    tree = parse_cell(source)
    if tree is None:
        return frozenset()
    return frozenset(name for node in _outside_functions(tree) for name in _bound_by(node))


def defined_names(source: str) -> frozenset[str]:
    """Those of `bound_names` that no import binds."""
    tree = parse_cell(source)
    if tree is None:
        return frozenset()
    imports = {
        name
        for node in _outside_functions(tree)
        if isinstance(node, ast.alias)
        for name in _bound_by(node)
    }
    return bound_names(source) - imports


def class_names(source: str) -> frozenset[str]:
    """Those of `bound_names` that a class statement binds."""
    tree = parse_cell(source)
    if tree is None:
        return frozenset()
    return frozenset(n.name for n in _outside_functions(tree) if isinstance(n, ast.ClassDef))


def assigned_names(source: str) -> frozenset[str]:
    """Those of `bound_names` that hold a value only: no function, class or import."""
    tree = parse_cell(source)
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.alias
    if tree is None:
        return frozenset()
    other = {
        n for node in _outside_functions(tree) if isinstance(node, kinds) for n in _bound_by(node)
    }
    return bound_names(source) - other


def read_names(source: str) -> frozenset[str]:
    """Names of the notebook that a cell reads before it binds them itself."""
    tree = parse_cell(source)
    if tree is None:
        return frozenset()
    read: set[str] = set()
    bound: set[str] = set()
    for statement in tree.body:
        loads = {
            node.id
            for node in _outside_functions(ast.Module([statement], []))
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }
        loads |= {
            node.target.id
            for node in _outside_functions(ast.Module([statement], []))
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
        }
        inner = _bound_inside(statement)
        read |= loads - bound - inner
        if not isinstance(statement, ast.For | ast.While | ast.If | ast.With | ast.Try):
            read |= loads - bound
        bound |= inner
    return frozenset(read | (_globals_of_functions(source) - bound))


def import_statements(source: str) -> tuple[str, ...]:
    """The import statements of a cell outside functions, one by one."""
    tree = parse_cell(source)
    if tree is None:
        return ()
    return tuple(
        ast.unparse(node)
        for node in _outside_functions(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and getattr(node, "module", "") != "__future__"
    )


def _bound_inside(statement: ast.stmt) -> set[str]:
    module = ast.Module([statement], [])
    return {name for node in _outside_functions(module) for name in _bound_by(node)}


def _outside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes that run when the cell runs, those inside functions, classes and lambdas left out."""
    for child in ast.iter_child_nodes(tree):
        yield from _visit(child)


def _visit(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        for part in [*node.decorator_list, *getattr(node, "bases", [])]:
            yield from _visit(part)
    elif isinstance(node, _COMPREHENSIONS):
        yield from _visit(node.generators[0].iter)
    elif not isinstance(node, ast.Lambda):
        yield from _outside_functions(node)


def _bound_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        if not isinstance(node, ast.ClassDef):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Global):
                    yield from inner.names
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).split(".")[0]
    elif isinstance(node, ast.ExceptHandler) and node.name:
        yield node.name


def _globals_of_functions(source: str) -> set[str]:
    """Names that functions, classes and comprehensions of a cell take from the notebook."""
    try:
        table = symtable.symtable(_python(source), "cell", "exec")
    except (SyntaxError, ValueError, RecursionError):
        return set()
    found: set[str] = set()
    waiting = list(table.get_children())
    while waiting:
        inner = waiting.pop()
        found |= {s.get_name() for s in inner.get_symbols() if s.is_global() and s.is_referenced()}
        waiting += inner.get_children()
    return found
