"""What names a cell binds, reads and imports, judged from its text alone."""

from __future__ import annotations

import ast
import functools
import re
import symtable
import warnings
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

_NOTHING: Mapping[str, frozenset[int]] = MappingProxyType({})
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPOUND = (ast.For, ast.AsyncFor, ast.While, ast.If, ast.With, ast.AsyncWith, ast.Try, ast.Match)
_remembered = functools.lru_cache(maxsize=1024)
"""Instructors' cells are the same in every submission, and students' are not."""
_TRANSPARENT = re.compile(r"\A\s*%%(time|capture|prun)\b.*")


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


_CHANGING = words(
    "append appendleft extend extendleft insert pop popleft popitem remove discard clear update "
    "add setdefault sort reverse rotate fill fit partial_fit parameters load_state_dict "
    "add_module add_node add_edge add_nodes_from add_edges_from"
)
"""Methods that change the object itself; an optimiser changes what gives it its parameters."""
_CHANGING_FIRST = words("shuffle heappush heappop heapify insort copyto put place")
"""Functions of modules that change their first argument."""


@_remembered
def parse_cell(source: str) -> ast.Module | None:
    """The syntax tree of a cell, IPython's own syntax translated; None where it has none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes and the like
            return ast.parse(_python(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def transparent_magic(source: str) -> str:
    """The cell magic above code that runs in the notebook's namespace: "%%time", or ""."""
    found = _TRANSPARENT.match(source)
    return f"%%{found[1]}" if found else ""


@_remembered
def _python(source: str) -> str:
    try:
        manager: Any = TransformerManager()  # type: ignore[no-untyped-call]  # IPython's
        return str(manager.transform_cell(_TRANSPARENT.sub("pass", source)))
    except (SyntaxError, ValueError, RecursionError):
        return source


@_remembered
def bound_names(source: str) -> frozenset[str]:
    """Names that a cell defines in the notebook: by assignment, def, class, import, for, with."""
    return _bound_by(_running(source))


@_remembered
def imported_names(source: str) -> frozenset[str]:
    """Those of `bound_names` that an import binds."""
    return _bound_by(node for node in _running(source) if isinstance(node, ast.alias))


def defined_names(source: str) -> frozenset[str]:
    """Those of `bound_names` that no import binds."""
    return bound_names(source) - imported_names(source)


@_remembered
def class_names(source: str) -> frozenset[str]:
    """Those of `bound_names` that a class statement binds."""
    return frozenset(node.name for node in _running(source) if isinstance(node, ast.ClassDef))


@_remembered
def function_names(source: str) -> frozenset[str]:
    """Those of `bound_names` that a def statement binds."""
    return frozenset(node.name for node in _running(source) if isinstance(node, _FUNCTIONS))


@_remembered
def assigned_names(source: str) -> frozenset[str]:
    """Those of `bound_names` that hold a value only: no function, class or import."""
    kinds = (*_FUNCTIONS, ast.ClassDef, ast.alias)
    return bound_names(source) - _bound_by(n for n in _running(source) if isinstance(n, kinds))


def deleted_names(source: str) -> frozenset[str]:
    """Names that a cell takes out of the notebook by `del`."""
    return frozenset(
        node.id
        for node in _running(source)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del)
    )


def changed_names(source: str, changing: Mapping[str, frozenset[int]] = _NOTHING) -> frozenset[str]:
    """Names whose values a cell changes in place, as far as its own words say.

    Args:
        source: the cell.
        changing: what `changing_functions` says of the notebook's cells.
    """
    found = {name for node in _running(source) for name in _changed_by(node)}
    for node in _running(source):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            places = changing.get(node.func.id, ())
            found |= {
                name
                for at in places
                for each in node.args[at : at + 1]
                for name in _first_name(each)
            }
    return frozenset(found)


def changing_functions(source: str) -> dict[str, frozenset[int]]:
    """Functions that a cell defines, and which of their arguments, from 0, they change in place."""
    found = {}
    for node in _running(source):
        if isinstance(node, _FUNCTIONS):
            changed = {name for inner in ast.walk(node) for name in _changed_by(inner)}
            bound = {
                name for inner in node.body for part in _visit(inner) for name in _names_bound(part)
            }
            places = enumerate(each.arg for each in (*node.args.posonlyargs, *node.args.args))
            found[node.name] = frozenset(at for at, name in places if name in changed - bound)
    return found


@_remembered
def read_names(source: str) -> frozenset[str]:
    """Names of the notebook that a cell reads before it binds them itself."""
    tree = parse_cell(source)
    if tree is None:
        return frozenset()
    read: set[str] = set()
    bound: set[str] = set()
    for statement in tree.body:
        nodes = [*_visit(statement)]
        binds = _bound_by(nodes)
        # what a loop or a block reads it may have bound itself
        known = bound | binds if isinstance(statement, _COMPOUND) else bound
        read |= _loaded_by(nodes) - known
        bound |= binds
    return frozenset(read | (names_in_functions(source) - bound))


def loaded_names(source: str) -> frozenset[str]:
    """Names of the notebook that a cell reads at all, in functions too."""
    return _loaded_by(_running(source)) | names_in_functions(source)


@_remembered
def names_in_functions(source: str) -> frozenset[str]:
    """Names that functions, classes and comprehensions of a cell take from the notebook."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = symtable.symtable(_python(source), "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    found: set[str] = set()
    waiting = list(table.get_children())
    while waiting:
        inner = waiting.pop()
        found |= {s.get_name() for s in inner.get_symbols() if s.is_global() and s.is_referenced()}
        waiting += inner.get_children()
    return frozenset(found)


@_remembered
def import_statements(source: str) -> tuple[str, ...]:
    """The import statements of a cell outside functions, one by one."""
    return tuple(
        ast.unparse(node)
        for node in _running(source)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and getattr(node, "module", "") != "__future__"
    )


def _running(source: str) -> Iterator[ast.AST]:
    """Nodes that run when the cell runs, those inside functions, classes and lambdas left out."""
    tree = parse_cell(source)
    for statement in tree.body if tree is not None else ():
        yield from _visit(statement)


def _visit(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for part in _parts(node):
        yield from _visit(part)


def _parts(node: ast.AST) -> Iterable[ast.AST]:
    """What of a node runs where the node itself runs."""
    if isinstance(node, ast.Lambda):
        return _defaults(node.args)
    if isinstance(node, _FUNCTIONS):
        outside = [each.annotation for each in ast.walk(node.args) if isinstance(each, ast.arg)]
        outside += [*node.decorator_list, *_defaults(node.args), node.returns]
        return filter(None, outside)
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases, *node.keywords]
    if isinstance(node, _COMPREHENSIONS):
        named = [each.target for each in ast.walk(node) if isinstance(each, ast.NamedExpr)]
        return [node.generators[0].iter, *named]
    return ast.iter_child_nodes(node)


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [each for each in (*arguments.defaults, *arguments.kw_defaults) if each is not None]


def _changed_by(node: ast.AST) -> Iterator[str]:
    """`x` in `x[0] = 1`, `del x.y`, `x.append(1)`, `x.drop(..., inplace=True)`, `x.fit(...)`."""
    if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
        yield from _first_name(node.value)
    elif isinstance(node, ast.AugAssign):
        yield from _first_name(node.target)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        inplace = any(word.arg == "inplace" for word in node.keywords)
        if inplace or node.func.attr in _CHANGING or node.func.attr.endswith("_"):
            yield from _first_name(node.func.value)
        if node.func.attr in _CHANGING_FIRST and node.args:
            yield from _first_name(node.args[0])


def _first_name(node: ast.AST) -> Iterator[str]:
    """`x` of `x.y[0]`, but not of a call such as `x.copy()`, which gives another object."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _loaded_by(nodes: Iterable[ast.AST]) -> frozenset[str]:
    found = set()
    for node in nodes:
        target = node.target if isinstance(node, ast.AugAssign) else node
        loaded = target is not node or isinstance(getattr(node, "ctx", None), ast.Load)
        if isinstance(target, ast.Name) and loaded:
            found.add(target.id)
    return frozenset(found)


def _bound_by(nodes: Iterable[ast.AST]) -> frozenset[str]:
    return frozenset(name for node in nodes for name in _names_bound(node))


def _names_bound(node: ast.AST) -> Iterator[str]:
    if isinstance(node, _FUNCTIONS):
        yield node.name
        for inner in ast.walk(node):
            if isinstance(inner, ast.Global):
                yield from inner.names
    elif isinstance(node, ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).split(".")[0]
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest
