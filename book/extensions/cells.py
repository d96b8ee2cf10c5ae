"""What a code cell of a chapter is for."""

from __future__ import annotations

import ast


def only_reproduces(source: str) -> bool:
    """Whether a cell does nothing but call `reproduced`, perhaps in loops and on literals.

    Such a cell is folded: on a page into one line with its results, in a notebook by itself.
    """

    def calls(statement: ast.stmt) -> bool:
        if isinstance(statement, ast.For):
            return all(calls(inner) for inner in statement.body)
        return (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Call)
            and isinstance(statement.value.func, ast.Name)
            and statement.value.func.id == "reproduced"
        )

    def prepares(statement: ast.stmt) -> bool:
        return isinstance(statement, ast.Assign | ast.ImportFrom) and not any(
            isinstance(inner, ast.Call) for inner in ast.walk(statement)
        )

    body = ast.parse(source).body
    return any(map(calls, body)) and all(calls(line) or prepares(line) for line in body)
