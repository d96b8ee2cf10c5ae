"""Mutation operators: small wrong edits of Python source, as text.

The standard set for imperative code (arithmetic, comparison, boolean, constant, statement) and
what goes wrong with arrays: an axis, a slice one off, a reduction for another, a lost copy. They
are our own because the operators of cosmic-ray bring sixteen more packages into the grader's
environment, know none of the array mistakes, and replace each arithmetic operator by all ten
others, of which shifts and bit operations fail at once on floats and so flatter a kill rate.

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
}


def _name(node: ast.Call) -> str:
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))


def _operand(node: ast.expr, source: Source) -> str:
    text = source.of(node)
    simple = isinstance(node, ast.Name | ast.Constant | ast.Attribute | ast.Call | ast.Subscript)
    return text if simple else f"({text})"


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_literal(node: ast.expr) -> bool:
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, ast.Constant)
