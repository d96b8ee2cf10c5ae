"""Collects what happens to each cell while a notebook runs."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import nbformat
from nbformat.v4.rwbase import rejoin_lines
from nbformat.validator import validate
from nbgrader.utils import is_grade, is_solution

from grader.split.outcomes import CellFailure, Diagnosis, NotebookResult, Outcome, TestResult

MESSAGE_LENGTH = 300
UNQUOTED = "what Python or a library says of it may quote the test, and is not shown"
_ASSERTIONS = frozenset({"AssertionError", "CheckFailure"})
_CALLS = "CallFailure"
"""The name of a check's exception that says which exception came while what was checked."""
_CROSSING = frozenset({"CannotCross", "CrossingAttributeError"})
_CONTROL = re.compile(
    r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)


def test_ids(notebook: nbformat.NotebookNode) -> tuple[str, ...]:
    """grade_ids of the autograded tests, in order."""
    return tuple(cell.metadata.nbgrader.grade_id for cell in notebook.cells if is_test(cell))


def is_test(cell: nbformat.NotebookNode) -> bool:
    """Whether a cell is an autograded test: graded code that no student writes."""
    return bool(cell.cell_type == "code" and is_grade(cell) and not is_solution(cell))


@dataclass(frozen=True)
class KernelEnd:
    """How a kernel was lost before the end of its notebook.

    Attributes:
        sentence: why, for the student.
        timed_out: time was the reason.
        unexplained: nothing says that the notebook was the reason.
    """

    sentence: str
    timed_out: bool = False
    unexplained: bool = False


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
        self.peak_gpu_memory = 0
        self.cpu = 0.0
        self._cpu: dict[str, float] = {}
        self._output_size = 0
        self._tests: dict[str, TestResult | None] = dict.fromkeys(expected)
        self._failures: list[CellFailure] = []
        self._in_answer: set[str] = set()
        self._ended_early = ""
        self._unexplained = False
        self._executed: dict[str, Any] = {}

    @property
    def ended_early(self) -> str:
        """Why the kernel is gone, or ""."""
        return self._ended_early

    def cell_replied(
        self,
        cell: nbformat.NotebookNode,
        index: int,
        reply: dict[str, Any],
        duration: float,
        *,
        quotable: bool = True,
    ) -> None:
        """A cell ran to its end.

        Args:
            cell: with its outputs.
            index: its place among the code cells, from 1.
            reply: content of the kernel's execute_reply; untrusted.
            duration: seconds of wall time.
            quotable: what a test ended with says nothing that a student may not read.
        """
        passed = reply.get("status") == "ok"
        name, value = (_text(reply.get(key)) for key in ("ename", "evalue"))
        if not quotable:
            value = "" if name in _ASSERTIONS else UNQUOTED
        error = one_line(f"{name}: {value}" if value else name or "It ended without a reason.")
        if name in _CROSSING:
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
            error = one_line(f"The cell {grade_id} needs what cannot pass between kernels: {value}")
        if not is_test(cell):
            if not passed:
                self._fail(cell, index, error)
        elif passed:
            self._set(cell, Outcome.PASSED, "", duration, partial_score(cell))
        elif name in _ASSERTIONS:
            self._set(cell, Outcome.FAILED, one_line(value), duration)
        else:
            said = one_line(value) if name == _CALLS and value else error
            self._set(cell, Outcome.ERRORED, said, duration)

    def test_used(self, grade_id: str, cpu: float) -> None:
        """Note the CPU time of a test, in seconds."""
        self._cpu[grade_id] = max(0.0, round(cpu, 4))

    def mark_where(self, grade_id: str) -> None:
        """Note that a test runs in the answer kernel, as its instructor asked."""
        self._in_answer.add(grade_id)

    def undiagnosed(self) -> list[str]:
        """grade_ids of tests that failed by what the student's code gave or raised."""
        wrong = (Outcome.FAILED, Outcome.ERRORED)
        return [name for name, found in self._tests.items() if found and found.outcome in wrong]

    def diagnosed(self, grade_id: str, diagnosis: Diagnosis) -> None:
        """A misconception explains the failure of a test."""
        found = self._tests[grade_id]
        if found is not None:
            self._tests[grade_id] = replace(found, diagnosis=diagnosis)

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
        end: KernelEnd,
        duration: float,
        *,
        final: bool = True,
    ) -> None:
        """The answer kernel was lost while `cell` ran.

        Args:
            cell: the cell.
            index: its place among the code cells, from 1.
            end: why.
            duration: seconds of wall time.
            final: no other kernel takes its place, so nothing after this cell runs.
        """
        reason = end.sentence
        self._unexplained = self._unexplained or end.unexplained
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        place = f"cell {index} ({name})" if name else f"cell {index}"
        if final:
            self._ended_early = f"Stopped at {place}: {reason[:1].lower()}{reason[1:]}"
        if is_test(cell):
            outcome = Outcome.TIMED_OUT if end.timed_out else Outcome.KILLED
            self._set(cell, outcome, reason, duration)
        else:
            self._fail(cell, index, reason)

    def notebook_ended(self, notebook: nbformat.NotebookNode) -> None:
        """Keep the executed notebook, without what papermill adds to it.

        What the kernel sent may be no valid output, or text that cannot be saved.
        """
        text = json.dumps(notebook, ensure_ascii=False).encode("utf-8", "replace")
        executed = json.loads(text)
        executed["metadata"].pop("papermill", None)
        for cell in executed["cells"]:
            cell["metadata"].pop("papermill", None)
            if cell["cell_type"] == "code":
                cell["outputs"] = [found for found in cell["outputs"] if _is_valid(found)]
                if type(cell["execution_count"]) is not int:
                    cell["execution_count"] = None
                self._output_size += len(json.dumps(cell["outputs"])) if cell["outputs"] else 0
        # a message may hold a text as a list of lines, which the schema allows in files
        self._executed = rejoin_lines(nbformat.from_dict(executed))

    def result(self) -> NotebookResult:
        """What is known by now."""
        lost = self._ended_early or "The notebook ended before this test."
        tests = tuple(
            replace(
                found or TestResult(grade_id, Outcome.NOT_RUN, lost),
                where="answer" if grade_id in self._in_answer else "test",
                cpu=self._cpu.get(grade_id, 0.0),
            )
            for grade_id, found in self._tests.items()
        )
        return NotebookResult(
            self.name,
            tests,
            tuple(self._failures),
            self._executed,
            self._ended_early,
            self._unexplained,
            round(self.wall, 3),
            round(self.kernel_start, 3),
            self.peak_memory,
            cpu=round(self.cpu, 4),
            peak_gpu_memory=self.peak_gpu_memory,
            output_size=self._output_size,
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

    Returns None where there is no number, which nbgrader counts as full credit, and -1 for a
    number that can be no points (negative or not finite), which a person must look at. Of
    several numbers the smallest counts: a result that the student's code shows earns nothing.
    """
    numbers = []
    for output in cell.outputs:
        if output.get("output_type") == "execute_result" and _is_valid(output):
            with contextlib.suppress(ValueError):
                numbers.append(float(_text(output["data"].get("text/plain"))))
    if not numbers:
        return None
    return min(n if math.isfinite(n) and n >= 0 else -1.0 for n in numbers)


def _is_valid(output: Mapping[str, Any]) -> bool:
    """Whether an output is one that nbformat knows."""
    try:
        validate(output, ref="output", version=4, version_minor=5)
    except (nbformat.ValidationError, RecursionError):
        return False
    return True


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def one_line(text: str) -> str:
    """The first line of untrusted text that says something, without control characters."""
    cleaned = (_CONTROL.sub("", line).strip() for line in text.splitlines())
    line = next((line for line in cleaned if line), "").encode("utf-8", "replace").decode()
    return line if len(line) <= MESSAGE_LENGTH else line[: MESSAGE_LENGTH - 1] + "…"
