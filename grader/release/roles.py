"""What a cell is, said in one line of its head, and the nbgrader metadata that this stands for.

In a code cell the line is `:grader: test step1_backup 3`; Markdown begins a cell of its own with
`+++ {"grader": "written essay 5"}`. The first word is the role, then come the name (nbgrader's
grade_id) and the points. nbgrader sees its own metadata only; whoever prefers these may still
write them out.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass

from nbformat import NotebookNode

from grader import checking
from grader.errors import ReleaseError

KEY = "grader"
CHECKING = "checking"
_POINTS = re.compile(r"\d+(\.\d+)?")
_SPELT = {"name": "NAME", "points": "POINTS"}


@dataclass(frozen=True)
class _Role:
    """What a role asks for, where it may stand, and what it means to nbgrader.

    Attributes:
        cells: the types of cell that may have it.
        asks: what follows the role's word.
        flags: those of nbgrader's flags that are set.
        prefix: what comes before the name in the grade_id.
    """

    cells: tuple[str, ...]
    asks: tuple[str, ...]
    flags: tuple[str, ...]
    prefix: str = ""


_ROLES = {
    "parameters": _Role(("code",), (), ("locked",)),
    CHECKING: _Role(("code",), (), ("locked",)),
    "given": _Role(("code", "markdown"), ("name",), ("locked",)),
    "answer": _Role(("code",), ("name",), ("solution",)),
    "test": _Role(("code",), ("name", "points"), ("grade", "locked"), prefix="test_"),
    "written": _Role(("code", "markdown"), ("name", "points"), ("grade", "solution")),
    "task": _Role(("markdown",), ("name", "points"), ("locked", "task")),
}


def expand_role(cell: NotebookNode, place: str) -> None:
    """Put the nbgrader metadata that the role of `cell` stands for in place of it.

    A cell without a role is left alone.

    Args:
        cell: as jupytext reads it from a text source.
        place: where it is, for messages.

    Raises:
        ReleaseError: no such role for this type of cell, or a role beside nbgrader's metadata.
    """
    if KEY not in cell.metadata:
        return
    said = cell.metadata.pop(KEY)
    word, *rest = said.split() if isinstance(said, str) else [""]
    role = _ROLES.get(word)
    if role is None or cell.cell_type not in role.cells or not _fits(role, rest):
        raise ReleaseError(
            f"{place} says `grader: {said}`; a {cell.cell_type} cell may be: "
            f"{', '.join(_allowed(cell.cell_type))}."
        )
    if "nbgrader" in cell.metadata:
        raise ReleaseError(f"{place} has a role ({said}) and nbgrader's metadata: keep one.")
    given = dict(zip(role.asks, rest, strict=True))
    flags = {flag: flag in role.flags for flag in ("grade", "locked", "solution", "task")}
    settings = {
        "grade_id": role.prefix + given.get("name", word),
        "schema_version": 3,
        **flags,
    }
    if "points" in given:
        settings["points"] = _number(given["points"])
    cell.metadata["nbgrader"] = NotebookNode(settings)
    if word == "parameters":
        tags = cell.metadata.setdefault("tags", [])
        cell.metadata["tags"] = [*tags, *({"parameters"} - set(tags))]
    if word == CHECKING:
        _include_checks(cell, place)


def _include_checks(cell: NotebookNode, place: str) -> None:
    """Give a cell the text of the strict checks.

    The released notebook then needs nothing but NumPy, on Colab too, and checks in the same words
    as the grader.
    """
    written = [line for line in cell.source.splitlines() if not line.lstrip().startswith("#")]
    if any(line.strip() for line in written):
        raise ReleaseError(f"{place} receives the strict checks: its own code would be lost.")
    cell.source = inspect.getsource(checking).strip()


def _fits(role: _Role, words: list[str]) -> bool:
    """Whether `words` are what follows the role's word."""
    if len(words) != len(role.asks):
        return False
    return "points" not in role.asks or _POINTS.fullmatch(words[-1]) is not None


def _allowed(cell_type: str) -> list[str]:
    """The roles of such a cell, as an author writes them."""
    return [
        " ".join([word, *(_SPELT[each] for each in role.asks)])
        for word, role in _ROLES.items()
        if cell_type in role.cells
    ]


def _number(points: str) -> int | float:
    return float(points) if "." in points else int(points)
