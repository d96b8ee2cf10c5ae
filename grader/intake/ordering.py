"""In which order the cells of a submission run.

The instructor's own cells keep the instructor's order, whatever a submission does with them, and
what the student wrote keeps the student's. Between the two a cell of the student's stays where it
was handed in: behind the instructor's cells that stood before it. Where an instructor's cell was
moved, that may be too late for a test; then the cell runs before the test that it was handed in
before. No choice here can move an instructor's cell.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import NamedTuple

from grader.release import TemplateCell


class Placed(NamedTuple):
    """Where a cell stands in a submission.

    Attributes:
        position: in the submission; that of a cell which is missing there lies between two.
        number: of the instructor's cell, in the instructor's order; -1 for a cell of the student's.
    """

    position: float
    number: int


def is_fixed(cell: TemplateCell) -> bool:
    """Whether a cell is the instructor's, its place and its text."""
    return cell.locked or cell.is_test


def is_placed(cell: TemplateCell) -> bool:
    """Whether a cell keeps its place; papermill puts the instructor's parameters behind one."""
    return is_fixed(cell) or "parameters" in cell.tags


def gaps(
    fixed: Sequence[Placed], tests: Collection[Placed], students: Sequence[Placed]
) -> list[int]:
    """Before which of the instructor's cells each of the student's runs.

    Args:
        fixed: the instructor's cells, in the instructor's order.
        tests: those of them that are tests.
        students: the student's, in the student's order.

    Returns:
        For each of `students` how many of `fixed` run before it; never falling.
    """
    as_handed_in = sorted(fixed)
    rank = {cell: at for at, cell in enumerate(fixed)}
    behind = [0, *accumulate((rank[cell] + 1 for cell in as_handed_in), max)]
    ranked = sorted((rank[cell], cell) for cell in tests)
    found = []
    for cell in students:
        # an answer that was handed in behind its test stays there, as in stock nbgrader
        waiting = (at for at, test in ranked if test > cell and test.number > cell.number)
        found.append(min(behind[bisect_left(as_handed_in, cell)], next(waiting, len(fixed))))
    for at in reversed(range(len(found) - 1)):
        found[at] = min(found[at], found[at + 1])
    return found


def moved(cells: Sequence[Placed]) -> list[Placed]:
    """As few cells as can be, without which the others are in the order that they were handed in.

    Args:
        cells: in the instructor's order.
    """
    best: list[list[Placed]] = []  # for each cell the longest row in order that ends with it
    for cell in cells:
        rows = [row for row in best if row[-1] < cell]
        best.append([*(max(rows, key=len) if rows else ()), cell])
    longest = max(best, key=len) if best else []
    return [cell for cell in cells if cell not in longest]
