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

_NOTHING: Mapping[str, frozenset[int | str]] = MappingProxyType({})
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
    "difference_update intersection_update symmetric_difference_update subtract move_to_end "
    "add setdefault sort reverse rotate fill resize partition fit partial_fit parameters "
    "load_state_dict add_module add_node add_edge add_nodes_from add_edges_from remove_node "
    "remove_edge remove_nodes_from remove_edges_from"
)
"""Methods that change the object itself; an optimiser changes what gives it its parameters."""
_CHANGING_FIRST = words(
    "shuffle heappush heappop heapify heapreplace heappushpop insort insort_left insort_right "
    "copyto put putmask place put_along_axis fill_diagonal setattr delattr set_node_attributes "
    "set_edge_attributes"
)
"""Functions that change their first argument."""
_THROUGH = words("enumerate zip reversed items values")
"""What a loop goes over in place of the thing itself, and meets its parts."""


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


def changed_names(
    source: str, changing: Mapping[str, frozenset[int | str]] = _NOTHING
) -> frozenset[str]:
    """Names whose values a cell changes in place, as far as its own words say.

    Args:
        source: the cell.
        changing: what `changing_functions` says of the notebook's cells.
    """
    nodes = [*_running(source)]
    found = {name for node in nodes for name in _changed_by(node)}
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for at in changing.get(node.func.id, ()):
                if isinstance(at, str):
                    found.add(at)
                else:
                    found |= {n for each in node.args[at : at + 1] for n in _first_name(each)}
    meant = _other_names(nodes)
    waiting = [*found]
    while waiting:
        further = meant.get(waiting.pop(), frozenset()) - found
        found |= further
        waiting += further
    return frozenset(found)


def changing_functions(source: str) -> dict[str, frozenset[int | str]]:
    """Functions that a cell defines, and what they change in place.

    Returns:
        Their arguments, by number from 0, and the names of the notebook.
    """
    found: dict[str, frozenset[int | str]] = {}
    for node in _running(source):
        if isinstance(node, _FUNCTIONS):
            inside = [*ast.walk(node)]
            changed = {name for inner in inside for name in _changed_by(inner)}
            bound = {
                name for inner in node.body for part in _visit(inner) for name in _names_bound(part)
            }
            known = {each.arg for each in inside if isinstance(each, ast.arg)}
            every = bound | known | {n for each in inside for n in _names_bound(each)}
            places = enumerate(each.arg for each in (*node.args.posonlyargs, *node.args.args))
            found[node.name] = frozenset(
                [at for at, name in places if name in changed - bound] + [*(changed - every)]
            )
    return found


def handed_over(source: str) -> Iterator[tuple[int, str, frozenset[str]]]:
    """Calls of a cell whose result nobody takes: their line, what is called, names they are given.

    Such a call is there for what it does, to its arguments perhaps. A last expression is left out,
    since the notebook shows its value.
    """
    tree = parse_cell(source)
    last = tree.body[-1] if tree is not None and tree.body else None
    for node in _running(source):
        if isinstance(node, ast.Expr) and node is not last and isinstance(node.value, ast.Call):
            given = [*node.value.args, *(word.value for word in node.value.keywords)]
            names = frozenset(name for each in given for name in _first_name(each))
            yield node.lineno, ast.unparse(node.value.func), names


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
    """`x` in `x[0] = 1`, `del x.y`, `x.append(1)`, `x.fit(...)`, `shuffle(x)`, `f(y, out=x)`."""
    if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
        yield from _first_name(node.value)
    elif isinstance(node, ast.AugAssign):
        yield from _first_name(node.target)
    elif isinstance(node, ast.Call):
        for word in node.keywords:
            if word.arg == "out":
                yield from _first_name(word.value)
        if isinstance(node.func, ast.Attribute):
            inplace = any(word.arg == "inplace" for word in node.keywords)
            if inplace or node.func.attr in _CHANGING or node.func.attr.endswith("_"):
                yield from _first_name(node.func.value)
        if node.args and _changes_first(node.func):
            yield from _first_name(node.args[0])


def _changes_first(called: ast.expr) -> bool:
    """Whether a call of this changes its first argument."""
    if isinstance(called, ast.Name):
        return called.id in _CHANGING_FIRST or _is_in_place(called.id)
    if not isinstance(called, ast.Attribute):
        return False
    owner = called.value
    if isinstance(owner, ast.Attribute) and called.attr == "at":
        return True  # of NumPy's ufuncs: np.add.at
    within = getattr(owner, "attr", None) or getattr(owner, "id", "")
    of_torch = within in ("init", "utils") and _is_in_place(called.attr)
    return called.attr in _CHANGING_FIRST or of_torch


def _is_in_place(name: str) -> bool:
    """As PyTorch calls functions that change what they are given: `nn.init.zeros_(x)`."""
    return name.strip("_") != "" and name.endswith("_") and not name.endswith("__")


def _other_names(nodes: Iterable[ast.AST]) -> dict[str, frozenset[str]]:
    """What else a name means in a cell: `a` for `b` in `b = a`, and in `for b in a`."""
    bound: dict[str, int] = {}
    meant: dict[str, frozenset[str]] = {}
    for node in nodes:
        for name in _names_bound(node):
            bound[name] = bound.get(name, 0) + 1
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            its = frozenset({node.value.id})
            meant |= {each.id: its for each in node.targets if isinstance(each, ast.Name)}
        elif isinstance(node, ast.For):
            its = frozenset(_looped_over(node.iter))
            targets = [each for each in ast.walk(node.target) if isinstance(each, ast.Name)]
            meant |= {each.id: its for each in targets}
    return {name: its for name, its in meant.items() if bound[name] == 1}


def _looped_over(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in _THROUGH:
            for each in node.args:
                yield from _looped_over(each)
        elif isinstance(node.func, ast.Attribute) and node.func.attr in _THROUGH:
            yield from _looped_over(node.func.value)


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
