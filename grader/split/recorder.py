"""Collects what happens to each cell while a notebook runs."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import nbformat
from nbgrader.utils import is_grade, is_solution

from grader.split.outcomes import CellFailure, NotebookResult, Outcome, TestResult

MESSAGE_LENGTH = 300
_ASSERTIONS = frozenset({"AssertionError", "CheckFailure"})
_CONTROL = re.compile(
    r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)


def test_ids(notebook: nbformat.NotebookNode) -> tuple[str, ...]:
    """grade_ids of the autograded tests, in order."""
    return tuple(cell.metadata.nbgrader.grade_id for cell in notebook.cells if is_test(cell))


def is_test(cell: nbformat.NotebookNode) -> bool:
    """Whether a cell is an autograded test: graded code that no student writes."""
    return bool(cell.cell_type == "code" and is_grade(cell) and not is_solution(cell))


class Recorder:
    """The outcome of every expected test: NOT_RUN until it is seen to end.

    Args:
        name: the notebook's name.
        expected: grade_ids of its tests.
    """

    def __init__(self, name: str, expected: tuple[str, ...]) -> None:
        self.name = name
        self.kernel_start = 0.0
        self.wall = 0.0
        self.peak_memory = 0
        self._tests: dict[str, TestResult | None] = dict.fromkeys(expected)
        self._failures: list[CellFailure] = []
        self._ended_early = ""
        self._executed: dict[str, Any] = {}

    @property
    def ended_early(self) -> str:
        """Why the kernel is gone, or ""."""
        return self._ended_early

    def cell_replied(
        self, cell: nbformat.NotebookNode, index: int, reply: dict[str, Any], duration: float
    ) -> None:
        """A cell ran to its end.

        Args:
            cell: with its outputs.
            index: its place among the code cells, from 1.
            reply: content of the kernel's execute_reply; untrusted.
            duration: seconds of wall time.
        """
        error = one_line(f"{reply.get('ename', '')}: {reply.get('evalue', '')}")
        if not is_test(cell):
            if reply.get("status") != "ok":
                self._fail(cell, index, error)
        elif reply.get("status") == "ok":
            self._set(cell, Outcome.PASSED, "", duration, partial_score(cell))
        elif reply.get("ename") in _ASSERTIONS:
            self._set(cell, Outcome.FAILED, one_line(str(reply.get("evalue", ""))), duration)
        else:
            self._set(cell, Outcome.ERRORED, error, duration)

    def cell_timed_out(
        self, cell: nbformat.NotebookNode, index: int, limit: float, duration: float
    ) -> None:
        """A cell was interrupted at its own limit, and the kernel goes on."""
        reason = f"It ran longer than the {limit:g} s allowed for one cell."
        if is_test(cell):
            self._set(cell, Outcome.TIMED_OUT, reason, duration)
        else:
            self._fail(cell, index, reason)

    def kernel_ended(
        self,
        cell: nbformat.NotebookNode,
        index: int,
        reason: str,
        duration: float,
        timed_out: bool = False,
    ) -> None:
        """The kernel was lost while `cell` ran; `reason` is a sentence."""
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        place = f"cell {index} ({name})" if name else f"cell {index}"
        self._ended_early = f"Stopped at {place}: {reason[:1].lower()}{reason[1:]}"
        if is_test(cell):
            outcome = Outcome.TIMED_OUT if timed_out else Outcome.KILLED
            self._set(cell, outcome, reason, duration)
        else:
            self._fail(cell, index, reason)

    def notebook_ended(self, notebook: nbformat.NotebookNode) -> None:
        """Keep the executed notebook, without what papermill adds to it."""
        executed = json.loads(json.dumps(notebook))
        executed["metadata"].pop("papermill", None)
        for cell in executed["cells"]:
            cell["metadata"].pop("papermill", None)
        self._executed = executed

    def result(self) -> NotebookResult:
        """What is known by now."""
        lost = self._ended_early or "The notebook ended before this test."
        tests = tuple(
            found or TestResult(grade_id, Outcome.NOT_RUN, lost)
            for grade_id, found in self._tests.items()
        )
        return NotebookResult(
            self.name,
            tests,
            tuple(self._failures),
            self._executed,
            self._ended_early,
            round(self.wall, 3),
            round(self.kernel_start, 3),
            self.peak_memory,
        )

    def _set(
        self,
        cell: nbformat.NotebookNode,
        outcome: Outcome,
        message: str,
        duration: float,
        partial: float | None = None,
    ) -> None:
        name = cell.metadata.nbgrader.grade_id
        self._tests[name] = TestResult(name, outcome, message, round(duration, 3), partial)

    def _fail(self, cell: nbformat.NotebookNode, index: int, message: str) -> None:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        self._failures.append(CellFailure(name, index, message))


def partial_score(cell: nbformat.NotebookNode) -> float | None:
    """Points that a passed test gives by its last expression, nbgrader's way of partial credit.

    Returns None where the value is no number from 0 up, which nbgrader counts as full credit.
    """
    for output in cell.outputs:
        if output.output_type == "execute_result":
            try:
                value = float(str(output.data.get("text/plain", "")))
            except ValueError:
                return None
            return value if math.isfinite(value) and value >= 0 else None
    return None


def one_line(text: str) -> str:
    """The first line of untrusted text that says something, without control characters."""
    cleaned = (_CONTROL.sub("", line).strip() for line in text.splitlines())
    line = next((line for line in cleaned if line), "")
    return line if len(line) <= MESSAGE_LENGTH else line[: MESSAGE_LENGTH - 1] + "…"
