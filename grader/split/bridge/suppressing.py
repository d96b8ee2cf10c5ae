"""Whether a student's context manager may end an exception of a test's block.

What `__exit__` returns is the student's word. It is believed only where the block checks nothing:
else it would pass over an assertion that did not hold, or that was never reached.
"""

from __future__ import annotations

import ast
import builtins
import functools
import linecache
import re
import types
import warnings
from typing import Any

_CHECKS = re.compile(r".*(assert|check|expect|verif|fail|ensure|raises|test).*", re.IGNORECASE)


def may_end(error: Any, frame: types.FrameType, names: dict[str, Any]) -> bool:
    """Whether `__exit__` of a student's object may end an exception.

    Args:
        error: the exception.
        frame: which has the `with` statement.
        names: the notebook's.
    """
    if isinstance(error, AssertionError) or frame.f_globals is not names:
        return False
    source = "".join(linecache.getlines(frame.f_code.co_filename))
    blocks = _blocks(source, frame.f_lineno)
    return bool(blocks) and not any(_checks(part, names) for block in blocks for part in block)


@functools.lru_cache(maxsize=64)
def _blocks(source: str, line: int) -> tuple[tuple[ast.stmt, ...], ...]:
    """What stands in the `with` statements that begin on a line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    return tuple(
        tuple(node.body)
        for node in ast.walk(tree)
        if isinstance(node, ast.With)
        and node.lineno <= line <= max(item.context_expr.end_lineno or 0 for item in node.items)
    )


def _checks(statement: ast.stmt, names: dict[str, Any]) -> bool:
    """Whether what a statement leaves undone may count for an answer.

    A plain `raise` is there to see what becomes of it. Anything else may call the student's code,
    libraries and built-in functions, but neither check something nor note down what came of it.
    """
    if isinstance(statement, ast.Raise | ast.Pass):
        return False
    if isinstance(statement, ast.Assign):
        return not all(_is_built_in(node) for node in ast.walk(statement.value))
    if not isinstance(statement, ast.Expr):
        return True
    parts = list(ast.walk(statement))
    if any(isinstance(node, ast.NamedExpr | ast.Yield | ast.Await) for node in parts):
        return True
    return any(isinstance(node, ast.Call) and _notes(node.func, names) for node in parts)


def _is_built_in(node: ast.AST) -> bool:
    return not isinstance(node, ast.Name) or hasattr(builtins, node.id)


def _notes(function: ast.expr, names: dict[str, Any]) -> bool:
    """Whether a function goes by the name of a check, or is the test's own or of its data."""
    words = [node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)]
    root: ast.AST = function
    while isinstance(root, ast.Attribute | ast.Subscript):
        root = root.value
    if isinstance(root, ast.Name):
        words.append(root.id)
        held = dict.get(names, root.id)
        ours = not (
            held is None
            or hasattr(builtins, root.id)
            or isinstance(held, types.ModuleType)
            or hasattr(type(held), "_crossing")
        )
    else:  # such as a text, or what a call gave
        ours = not isinstance(root, ast.Constant | ast.Call)
    return ours or any(_CHECKS.fullmatch(word) for word in words)
