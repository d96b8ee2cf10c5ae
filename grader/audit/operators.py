"""Mutation operators: small wrong edits of Python source, as text.

The standard set for imperative code (arithmetic, comparison, boolean, constant, statement) and
what goes wrong with arrays: an axis, a slice one off, a reduction for another, a lost copy, a
tolerance nobody asked for, one sum over a batch where each row has its own, a result that was kept
and is handed out again. They are our own because the operators of cosmic-ray bring sixteen more
packages into the grader's environment, know none of the array mistakes, and replace each arithmetic
operator by all ten others, of which shifts and bit operations fail at once on floats and so flatter
a kill rate.

Each operator takes one node of a syntax tree and yields edits. An edit is text, so that a
survivor is shown as a change of the lines that the instructor wrote.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple


class Edit(NamedTuple):
    """Replace the characters from `start` to `end` of a source by `text`."""

    start: int
    end: int
    text: str


class Source:
    """Source text in which nodes know their place."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self.functions: dict[ast.AST, ast.FunctionDef] = {}
        """The functions at the top of the cell, by the last return statement of each."""
        self.numeric: set[ast.AST] = set()
        """What stands in a definition that uses NumPy or PyTorch, or outside of any."""
        self.lists: set[str] = set()
        """Names that stand for a list made here."""
        self.guards: set[ast.AST] = set()
        """What stands in the condition of an `if` that only raises."""
        for node in self.tree.body:
            inside = list(ast.walk(node))
            named = isinstance(node, ast.FunctionDef | ast.ClassDef)
            if not named or any(isinstance(n, ast.Name) and n.id in _MODULES for n in inside):
                self.numeric.update(inside)
            if isinstance(node, ast.FunctionDef) and (found := list(_returns(node))):
                self.functions[found[-1]] = node
        for inner in ast.walk(self.tree):
            if isinstance(inner, ast.Assign) and isinstance(inner.value, ast.List | ast.ListComp):
                self.lists.update(name.id for name in inner.targets if isinstance(name, ast.Name))
            elif isinstance(inner, ast.If) and all(isinstance(x, ast.Raise) for x in inner.body):
                self.guards.update(ast.walk(inner.test))
        self._lines = text.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def place(self, line: int, column: int) -> int:
        """Index of a character, from what ast says: a line from 1, a column in UTF-8 bytes."""
        before = self._lines[line - 1].encode()[:column]
        return self._starts[line - 1] + len(before.decode())

    def start(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        """Where a node begins."""
        return self.place(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        """Where a node ends."""
        return self.place(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def of(self, node: ast.expr | ast.stmt) -> str:
        """The text of a node."""
        return self.text[self.start(node) : self.end(node)]

    def replace(self, node: ast.expr | ast.stmt, text: str) -> Edit:
        """The edit that puts `text` in the place of a node."""
        return Edit(self.start(node), self.end(node), text)

    def between(self, left: ast.expr, right: ast.expr, old: str, new: str) -> Edit | None:
        """The edit that replaces a token between two nodes, such as an operator."""
        start, end = self.end(left), self.start(right)
        found = re.search(rf"(?<![\w*/<>=!]){re.escape(old)}(?![\w*/<>=!])", self.text[start:end])
        if found is None:
            return None
        return Edit(start + found.start(), start + found.end(), new)


Operator = Callable[[ast.AST, Source], Iterator[Edit | None]]

_SYMBOLS: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "/"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "*"),
    ast.MatMult: ("@", "*"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
}
_COMPARISONS: dict[type[ast.cmpop], tuple[str, tuple[str, ...]]] = {
    ast.Lt: ("<", ("<=", ">=")),
    ast.LtE: ("<=", ("<", ">")),
    ast.Gt: (">", (">=", "<=")),
    ast.GtE: (">=", (">", "<")),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
    ast.Is: ("is", ("is not",)),
    ast.In: ("in", ("not in",)),
}
_TWINS = [
    ("max", "min"),
    ("amax", "amin"),
    ("argmax", "argmin"),
    ("maximum", "minimum"),
    ("sum", "mean"),
    ("any", "all"),
    ("zeros", "ones"),
    ("zeros_like", "ones_like"),
    ("std", "var"),
    ("log", "log1p"),
    ("exp", "expm1"),
    ("floor", "ceil"),
    ("tril", "triu"),
    ("append", "extend"),
    ("cumsum", "cumprod"),
]
_TWIN = {a: b for pair in _TWINS for a, b in (pair, pair[::-1])}
_AXES = ("axis", "dim", "dims")
_BARE = ast.Expr | ast.AugAssign | ast.Raise | ast.Continue | ast.Break | ast.Assert | ast.Delete
_SYMMETRIC = ("transpose", "swapaxes", "maximum", "minimum", "logaddexp", "hypot", "isclose")
"""Functions of two arguments whose order is of no consequence."""
_COPIES = ("copy", "clone", "detach", "abs")
_COPYING = ("list", "dict", "set", "copy", "deepcopy", "clone")
"""Functions of one argument that copy it."""
_MODULES = ("np", "numpy", "torch", "F", "copy")
_WHOLE = ("sum", "mean", "logsumexp", "amax", "amin", "std", "var", "any", "all")
"""What PyTorch reduces over several axes at once, and over all."""
_MADE = ast.List | ast.Tuple | ast.ListComp | ast.GeneratorExp | ast.Constant
_PLAIN = ("int", "float", "bool", "str", "None", "tuple")
_COUNTS = ("shape", "ndim", "size", "dtype", "device", "numel", "dim", "len", "type", "inf")
"""Words of an operand that is a whole number or no number at all."""


def arithmetic(node: ast.AST, source: Source) -> Iterator[Edit | None]:
    """Another operator, or no minus sign."""
    if isinstance(node, ast.BinOp) and type(node.op) in _SYMBOLS:
        old, new = _SYMBOLS[type(node.op)]
        yield source.between(node.left, node.right, old, new)
    elif isinstance(node, ast.AugAssign) and type(node.op) in _SYMBOLS:
        old, new = _SYMBOLS[type(node.op)]
        start, end = source.end(node.target), source.start(node.value)
        found = source.text[start:end].find(f"{old}=")
        yield Edit(start + found, start + found + len(old), new) if found >= 0 else None
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield Edit(source.start(node), source.start(node) + 1, "")


def comparison(node: ast.AST, source: Source) -> Iterator[Edit | None]:
    """The boundary moved, or the opposite."""
    if isinstance(node, ast.Compare):
        operands = [node.left, *node.comparators]
        for op, left, right in zip(node.ops, operands[:-1], operands[1:], strict=True):
            old, others = _COMPARISONS.get(type(op), ("", ()))
            for new in others:
                yield source.between(left, right, old, new)


def boolean(node: ast.AST, source: Source) -> Iterator[Edit | None]:
    """`or` for `and`, a lost `not`, the opposite of a condition."""
    if isinstance(node, ast.BoolOp):
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in pairwise(node.values):
            yield source.between(left, right, old, new)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        start = source.start(node)
        text = source.text[start + 3 : source.end(node)]
        yield Edit(start, source.end(node), text.lstrip())
    elif isinstance(node, ast.If | ast.While | ast.IfExp) and not isinstance(
        node.test, ast.Constant | ast.UnaryOp | ast.Compare
    ):
        # of a comparison, the operator above makes the opposite
        yield source.replace(node.test, f"not ({source.of(node.test)})")


def constant(node: ast.AST, source: Source) -> Iterator[Edit | None]:
    """Another number, the other truth value, an empty string."""
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        yield source.replace(node, str(not value))
    elif isinstance(value, int):
        yield source.replace(node, str(value + 1))
        yield source.replace(node, str(value - 1))
    elif isinstance(value, float):
        yield source.replace(node, repr(2.0 * value) if value else "1.0")
    elif isinstance(value, str) and value:
        yield source.replace(node, '""')


def argument_order(node: ast.AST, source: Source) -> Iterator[Edit | None]:
    """Two neighbouring arguments of a call, or parts of a returned tuple, change places."""
    parts: list[ast.expr] = []
    if isinstance(node, ast.Call) and _name(node) not in _SYMMETRIC:
        parts = node.args
    elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
        parts = node.value.elts
    for left, right in pairwise(parts):
        if not isinstance(left, ast.Starred) and not isinstance(right, ast.Starred):
            gap = source.text[source.end(left) : source.start(right)]
            text = f"{source.of(right)}{gap}{source.of(left)}"
            yield Edit(source.start(left), source.end(right), text)


def dropped_statement(node: ast.AST, source: Source) -> Iterator[Edit | None]:
    """A statement left out. A first assignment to a name is none: that fails at once."""
    if isinstance(node, ast.If):
        # where its body is a single such statement, that is left out instead
        drop = not node.orelse and not isinstance(node.body[0], _BARE)
    elif isinstance(node, ast.Assign):
        drop = not all(isinstance(target, ast.Name) for target in node.targets)
    else:
        drop = isinstance(node, _BARE) and not _is_docstring(node)
    if drop and isinstance(node, ast.stmt):
        yield source.replace(node, "pass")


def shifted_slice(node: ast.AST, source: Source) -> Iterator[Edit | None]:
    """A bound of a slice moved by one, or a first or last element left out."""
    if not isinstance(node, ast.Slice):
        return
    text = source.of(node)
    if node.lower is not None:
        yield source.replace(node.lower, f"{_operand(node.lower, source)} + 1")
    elif node.step is None:
        yield Edit(source.start(node), source.start(node), "1")
    if node.upper is not None:
        yield source.replace(node.upper, f"{_operand(node.upper, source)} - 1")
    elif node.step is None and text.endswith(":"):
        yield Edit(source.end(node), source.end(node), "-1")


def axis(node: ast.AST, source: Source) -> Iterator[Edit | None]:
    """Another axis, or none given."""
    if not isinstance(node, ast.Call):
        return
    for keyword in node.keywords:
        if keyword.arg not in _AXES:
            continue
        value = ast.literal_eval(keyword.value) if _is_literal(keyword.value) else None
        if isinstance(value, int):
            yield source.replace(keyword.value, "0" if value else "1")
        start, end = source.start(keyword), source.end(keyword)
        before = source.text[:start].rstrip()
        yield Edit(len(before) - 1, end, "") if before.endswith(",") else Edit(start, end, "")


def reduction(node: ast.AST, source: Source) -> Iterator[Edit | None]:
    """Another function of the same shape: min for max, mean for sum."""
    if not isinstance(node, ast.Call):
        return
    name = _name(node)
    if name in _TWIN and (isinstance(node.func, ast.Attribute) or name in ("max", "min", "any")):
        end = source.end(node.func)
        yield Edit(end - len(name), end, _TWIN[name])


def in_place(node: ast.AST, source: Source) -> Iterator[Edit | None]:
    """A change of the argument where a new value was made, and a lost copy or detach."""
    if (
        isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.BinOp)
        and isinstance(node.value.left, ast.Name)
        and node.value.left.id == node.targets[0].id
        and type(node.value.op) in _SYMBOLS
    ):
        symbol = _SYMBOLS[type(node.value.op)][0]
        text = f"{node.targets[0].id} {symbol}= {source.of(node.value.right)}"
        yield source.replace(node, text)
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _COPIES
        and not node.args
        and not node.keywords
    ):
        yield Edit(source.end(node.func.value), source.end(node), "")


def tolerance(node: ast.AST, source: Source) -> Iterator[Edit | None]:
    """What must be exact is compared with the usual tolerances of `isclose`.

    Not in a condition that only guards against bad arguments, nor where a side is written out, nor
    in plain Python, where most numbers are whole.
    """
    if isinstance(node, ast.Call) and _name(node) in ("array_equal", "equal"):
        end = source.end(node.func)
        yield Edit(end - len(_name(node)), end, "allclose") if len(node.args) == 2 else None
    if not isinstance(node, ast.Compare) or len(node.ops) > 1:
        return
    if node in source.guards or node not in source.numeric:
        return
    left, right, op = node.left, node.comparators[0], node.ops[0]
    old, _ = _COMPARISONS.get(type(op), ("", ()))
    sides = [_operand(side, source) for side in (left, right)]
    if old in ("", "is", "in") or any(map(_is_exact, (left, right))):
        return
    near = f"abs({sides[0]} - {sides[1]}) {{}} 1e-8 + 1e-5 * abs({sides[1]})"
    joined, how = ("&", ">") if old == "!=" else ("|", "<=")
    exact = f"{sides[0]} {old} {sides[1]}"
    yield source.replace(node, f"(({exact}) {joined} ({near.format(how)}))")


def whole_batch(node: ast.AST, source: Source) -> Iterator[Edit | None]:
    """One reduction or softmax over all rows together, of a shape that goes unnoticed."""
    if not isinstance(node, ast.expr):
        return
    picked = isinstance(node, ast.Attribute) and node.attr == "values"
    picked |= isinstance(node, ast.Subscript) and source.of(node.slice) == "0"
    call = node.value if picked and isinstance(node, ast.Attribute | ast.Subscript) else node
    if not isinstance(call, ast.Call) or (_name(call) in ("max", "min") and not picked):
        return
    name, keywords = _name(call), {each.arg: each.value for each in call.keywords}
    where = keywords.get("dim", keywords.get("axis"))
    whose = _owner(call)
    if whose is None or where is None or not _is_literal(where):
        return
    of = _operand(whose, source)
    kept = "keepdim" in keywords or "keepdims" in keywords
    if name in ("softmax", "log_softmax") and node is call:
        yield source.replace(call, f"{of}.flatten().{name}(0).view_as({of})")
    elif name in ("reduce", "accumulate") and kept:
        yield source.replace(where, "None")
    elif name in ("max", "min") and kept and "dim" in keywords:
        yield Edit(source.start(call), source.end(node), f"{of}.{name}().reshape([1] * {of}.ndim)")
    elif name in _WHOLE and kept and "dim" in keywords:
        yield source.replace(where, f"tuple(range({of}.ndim))")


def cached(node: ast.AST, source: Source) -> Iterator[Edit | None]:
    """The first answer is given again: to every question, or the same object to the same one."""
    function = source.functions.get(node)
    if function is None or not isinstance(node, ast.Return) or node.value is None:
        return
    kept, result = f"{function.name}.__dict__.setdefault", source.of(node.value)
    result = f"({result})" if isinstance(node.value, ast.Tuple) else result
    yield source.replace(node.value, f'{kept}("kept", {result})')
    returned = function.returns
    plain = returned is not None and set(re.findall(r"\w+", source.of(returned))) <= set(_PLAIN)
    if plain or function not in source.numeric:
        return  # plain values may be handed out twice
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    names = "".join(f"{argument.arg}, " for argument in given)
    key = f'str([getattr(x, "tolist", x.__repr__)() for x in ({names})])'
    yield source.replace(node.value, f"{kept}({key}, {result})")


def aliased(node: ast.AST, source: Source) -> Iterator[Edit | None]:
    """The argument itself where a function made a copy of it."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        yield source.replace(node, source.of(node.value)) if source.of(node.slice) == ":" else None
    if not isinstance(node, ast.Call) or not node.args:
        return
    first, name = node.args[0], _name(node)
    is_made = isinstance(first, _MADE) or getattr(first, "id", "") in source.lists
    if name in _COPYING and len(node.args) == 1 and not node.keywords and not is_made:
        own = isinstance(node.func, ast.Attribute) and not _is_module(node.func.value)
        yield None if own else source.replace(node, _operand(first, source))
    elif name == "array" and isinstance(node.func, ast.Attribute) and not is_made:
        yield Edit(source.end(node.func) - len(name), source.end(node.func), "asarray")


OPERATORS: dict[str, Operator] = {
    "arithmetic": arithmetic,
    "comparison": comparison,
    "boolean": boolean,
    "constant": constant,
    "argument order": argument_order,
    "dropped statement": dropped_statement,
    "slice": shifted_slice,
    "axis": axis,
    "reduction": reduction,
    "in place": in_place,
    "tolerance": tolerance,
    "whole batch": whole_batch,
    "cached": cached,
    "aliased": aliased,
}


def _name(node: ast.Call) -> str:
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))


def _returns(node: ast.AST) -> Iterator[ast.Return]:
    """The return statements of a function, without those of functions inside it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Return) and child.value is not None:
            yield child
        elif not isinstance(child, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            yield from _returns(child)


def _is_module(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in _MODULES


def _owner(node: ast.Call) -> ast.expr | None:
    """What a function of an array or tensor is applied to, by either way of calling it."""
    if not isinstance(node.func, ast.Attribute) or not _is_array_method(node.func):
        return node.args[0] if node.args else None
    return node.func.value


def _is_array_method(function: ast.Attribute) -> bool:
    root: ast.expr = function.value
    while isinstance(root, ast.Attribute):
        root = root.value
    return not _is_module(root)


def _is_exact(node: ast.expr) -> bool:
    """Whether a side of a comparison is written out, counts something, or is no number."""
    names = [getattr(part, "attr", getattr(part, "id", "")) for part in ast.walk(node)]
    return _is_literal(node) or any(name in _COUNTS for name in names)


def _operand(node: ast.expr, source: Source) -> str:
    text = source.of(node)
    simple = isinstance(node, ast.Name | ast.Constant | ast.Attribute | ast.Call | ast.Subscript)
    return text if simple else f"({text})"


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_literal(node: ast.expr) -> bool:
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, ast.Constant)
