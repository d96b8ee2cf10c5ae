"""Whether a student's context manager may end an exception of a test's block.

What `__exit__` returns is the student's word. It is believed only where the block checks nothing:
else it would pass over an assertion that did not hold, or that was never reached.
"""

from __future__ import annotations

import ast
import functools
import linecache
import re
import types
import warnings
from collections.abc import Iterator
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
    """Whether a statement may end in an exception that says whether an answer is right."""
    if isinstance(statement, ast.Raise):
        return False  # plainly, to see what becomes of it
    return any(
        isinstance(node, ast.Assert | ast.Raise)
        or (isinstance(node, ast.Call) and any(_is_check(n, names) for n in _called(node.func)))
        for node in ast.walk(statement)
    )


def _called(function: ast.expr) -> Iterator[str]:
    if isinstance(function, ast.Attribute):
        yield function.attr
    elif isinstance(function, ast.Name):
        yield function.id


def _is_check(name: str, names: dict[str, Any]) -> bool:
    """Whether a function goes by the name of a check, or is the instructor's own."""
    own = type(dict.get(names, name)) is types.FunctionType
    return own or _CHECKS.fullmatch(name) is not None
