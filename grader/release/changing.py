"""What a cell changes in place, judged from its text alone."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from grader.release.names import FUNCTIONS, names_bound, nodes_in, parse_cell, running, words

_NOTHING: Mapping[str, frozenset[int | str]] = MappingProxyType({})
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


def changed_names(
    source: str, changing: Mapping[str, frozenset[int | str]] = _NOTHING
) -> frozenset[str]:
    """Names whose values a cell changes in place, as far as its own words say.

    Args:
        source: the cell.
        changing: what `changing_functions` says of the notebook's cells.
    """
    nodes = [*running(source)]
    found = {name for node in nodes for name in _changed_by(node)}
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for at in changing.get(node.func.id, ()):
                if isinstance(at, str):
                    found.add(at)
                else:
                    found |= {n for each in node.args[at : at + 1] for n in _first_name(each)}
    return _with_other_names(found, nodes)


def changing_functions(source: str) -> dict[str, frozenset[int | str]]:
    """Functions that a cell defines, and what they change in place.

    Returns:
        Their arguments, by number from 0, and the names of the notebook.
    """
    found: dict[str, frozenset[int | str]] = {}
    for node in running(source):
        if isinstance(node, FUNCTIONS):
            changed = _changed_within(node)
            bound = {
                name
                for inner in node.body
                for part in nodes_in(inner)
                for name in names_bound(part)
            }
            places = enumerate(each.arg for each in (*node.args.posonlyargs, *node.args.args))
            found[node.name] = frozenset(
                [at for at, name in places if name in changed - bound]
                + [*(changed - _bound_within(node))]
            )
    return found


def changed_by_functions(source: str) -> frozenset[str]:
    """Names of the notebook whose values functions and methods of a cell change when called."""
    found: set[str] = set()
    for node in running(source):
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        for each in inside:
            if isinstance(each, (*FUNCTIONS, ast.Lambda)):
                found |= _changed_within(each) - _bound_within(each)
    return frozenset(found)


def _changed_within(node: ast.AST) -> frozenset[str]:
    inside = [*ast.walk(node)]
    return _with_other_names({name for inner in inside for name in _changed_by(inner)}, inside)


def _bound_within(node: ast.AST) -> set[str]:
    """Names that belong to a function: its arguments, and what it or one in it binds."""
    inside = [*ast.walk(node)]
    arguments = {each.arg for each in inside if isinstance(each, ast.arg)}
    return arguments | {name for each in inside for name in names_bound(each)}


def handed_over(source: str) -> Iterator[tuple[int, str, frozenset[str]]]:
    """Calls of a cell whose result nobody takes: their line, what is called, names they are given.

    Such a call is there for what it does, to its arguments perhaps. A last expression is left out,
    since the notebook shows its value.
    """
    tree = parse_cell(source)
    last = tree.body[-1] if tree is not None and tree.body else None
    for node in running(source):
        if isinstance(node, ast.Expr) and node is not last and isinstance(node.value, ast.Call):
            given = [*node.value.args, *(word.value for word in node.value.keywords)]
            names = frozenset(name for each in given for name in _first_name(each))
            yield node.lineno, ast.unparse(node.value.func), names


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


def _with_other_names(found: set[str], nodes: list[ast.AST]) -> frozenset[str]:
    """Changed names, and those that mean the same things in these nodes."""
    meant = _other_names(nodes)
    every, waiting = set(found), [*found]
    while waiting:
        further = meant.get(waiting.pop(), frozenset()) - every
        every |= further
        waiting += further
    return frozenset(every)


def _other_names(nodes: Iterable[ast.AST]) -> dict[str, frozenset[str]]:
    """What else a name means in a cell: `a` for `b` in `b = a`, and in `for b in a`."""
    bound: dict[str, int] = {}
    meant: dict[str, frozenset[str]] = {}
    for node in nodes:
        for name in names_bound(node):
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
