"""What became of each test of a notebook, as plain data that travels and is stored as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """How one test cell ended. Only PASSED earns points, and GRADER_FAULT never costs any."""

    PASSED = "passed"
    FAILED = "failed"
    """An assertion of the test did not hold."""
    ERRORED = "errored"
    """Another exception came out of the student's code or the test."""
    TIMED_OUT = "timed out"
    KILLED = "killed"
    """The kernel died or was killed for exceeding a limit while this test ran."""
    NOT_RUN = "not run"
    """The kernel was gone, or the notebook unreadable, before this test could start."""
    GRADER_FAULT = "grader fault"
    """We failed, not the student: a person must look."""


@dataclass(frozen=True)
class Diagnosis:
    """The named wrong answer that gives what the student's function gave in all of a test.

    Attributes:
        name: of the assignment's catalogue, such as "backup__forgets_the_discount".
        sentence: what a student who made it should read; the instructor's.
    """

    name: str
    sentence: str


@dataclass(frozen=True)
class TestResult:
    """One graded code cell.

    Attributes:
        grade_id: nbgrader's name of the cell.
        outcome: how it ended.
        message: one line for people, such as the first line of the assertion's message; untrusted.
        duration: seconds of wall time.
        partial: points that the cell's last expression gave (nbgrader's partial credit), or None.
        where: "test" for the test kernel; "answer" where the instructor asked for the answer
            kernel, in which a submission can see the test and fool it.
        diagnosis: the misconception that explains the failure, where one was found.
        cpu: seconds of CPU time, user and system, of both kernels; 0 in records of older graders.
    """

    __test__ = False  # not a test class, whatever its name makes pytest think

    grade_id: str
    outcome: Outcome
    message: str = ""
    duration: float = 0.0
    partial: float | None = None
    where: str = "test"
    diagnosis: Diagnosis | None = None
    cpu: float = 0.0

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> TestResult:
        """The inverse of `asdict`; older data has no diagnosis."""
        found = data.get("diagnosis")
        diagnosis = None if found is None else Diagnosis(**found)
        return cls(**{**data, "outcome": Outcome(data["outcome"]), "diagnosis": diagnosis})


@dataclass(frozen=True)
class CellFailure:
    """An exception in one of the student's own cells, which explains the tests that fail later.

    Attributes:
        grade_id: nbgrader's name of the cell, or "" for a cell that the student added.
        index: position among the notebook's code cells, counted from 1.
        message: such as "NameError: name 'x' is not defined"; untrusted.
    """

    grade_id: str
    index: int
    message: str


@dataclass(frozen=True)
class NotebookResult:
    """One executed notebook.

    Attributes:
        notebook: its name without .ipynb.
        tests: one result for every graded code cell of the instructor's notebook.
        failures: exceptions outside tests.
        executed: the notebook with outputs, as nbformat JSON; untrusted.
        ended_early: why the kernel was gone before the end, or "".
        unexplained: the kernel was gone and no limit or exit of its own says why, so the reason
            may be ours.
        wall: seconds from kernel start to the end.
        kernel_start: seconds until the kernel's first reply.
        peak_memory: bytes, 0 where it could not be measured.
        cpu: seconds of CPU time, user and system, of all that both kernels ran.
        peak_gpu_memory: bytes on graphics cards, 0 where there is none or it could not be measured.
        output_size: bytes of all outputs as they are stored.
    """

    notebook: str
    tests: tuple[TestResult, ...]
    failures: tuple[CellFailure, ...]
    executed: dict[str, Any]
    ended_early: str = ""
    unexplained: bool = False
    wall: float = 0.0
    kernel_start: float = 0.0
    peak_memory: int = 0
    cpu: float = 0.0
    peak_gpu_memory: int = 0
    output_size: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data."""
        # not `asdict` of the whole, which copies the notebook
        tests = [asdict(test) for test in self.tests]
        return {**vars(self), "tests": tests, "failures": [asdict(f) for f in self.failures]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> NotebookResult:
        """The inverse of `to_json`."""
        tests = tuple(TestResult.from_json(test) for test in data["tests"])
        failures = tuple(CellFailure(**f) for f in data["failures"])
        return cls(**{**data, "tests": tests, "failures": failures})
