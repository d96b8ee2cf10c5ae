"""What a report is made of: the graded work of students as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from grader.report import sentences
from grader.split.outcomes import CellFailure, Diagnosis, Outcome


@dataclass(frozen=True)
class GradedCell:
    """One cell that carries points.

    Attributes:
        grade_id: nbgrader's name of the cell.
        title: what people call the step, such as "Step 2: policy improvement"; may be "".
        points: points earned, or None where a person has yet to grade the cell.
        max_points: points that it can earn.
        kind: a test that runs, an answer that a person grades, or an nbgrader task.
        outcome: how the test ended; None for what a person grades.
        message: one line of the failed test; untrusted.
        duration: seconds that the test ran.
        source: the visible part of a test, or the student's answer; untrusted.
        hidden: nothing of the test is visible to students.
        comment: what the person who graded it wrote.
        in_answer_kernel: the test ran, as its instructor asked, where a submission can see it.
        diagnosis: the misconception that gives what the student's function gave.
    """

    grade_id: str
    title: str
    points: float | None
    max_points: float
    kind: Literal["test", "manual", "task"]
    outcome: Outcome | None = None
    message: str = ""
    duration: float = 0.0
    source: str = ""
    hidden: bool = False
    comment: str = ""
    in_answer_kernel: bool = False
    diagnosis: Diagnosis | None = None

    @property
    def waiting(self) -> bool:
        """Whether a person must still decide about this cell."""
        return self.outcome is Outcome.GRADER_FAULT or (self.kind != "test" and self.points is None)

    @property
    def full(self) -> bool:
        """Whether the cell earned all that it can."""
        return self.points is not None and self.points >= self.max_points

    @property
    def misconception(self) -> str:
        """The sentence of what explains the lost points, or ""; a person may have given them."""
        return "" if self.diagnosis is None or self.full else self.diagnosis.sentence


@dataclass(frozen=True)
class GradedNotebook:
    """One notebook of a submission.

    Attributes:
        name: without .ipynb.
        cells: its graded cells, in the notebook's order.
        problems: sentences of intake about the file as it was handed in.
        failures: exceptions in the student's own cells.
        executed: the notebook with outputs, as nbformat JSON, or {} if it never ran; untrusted,
            and it holds the hidden tests. Without its cells where a whole class was loaded.
        ended_early: why the kernel was gone before the end, or "".
    """

    name: str
    cells: tuple[GradedCell, ...]
    problems: tuple[str, ...]
    failures: tuple[CellFailure, ...]
    executed: dict[str, Any]
    ended_early: str = ""

    @property
    def score(self) -> float:
        """Points earned so far."""
        return sum(cell.points or 0.0 for cell in self.cells)

    @property
    def max_score(self) -> float:
        """Points that the notebook can earn."""
        return sum(cell.max_points for cell in self.cells)


@dataclass(frozen=True)
class GradedSubmission:
    """All that one student handed in for one assignment.

    Attributes:
        timestamp: when it was handed in, as text, or None where nobody noted it.
        late_penalty: points taken off for lateness.
        needs_manual: a person must still grade a part of it.
        fault: a fault of ours that kept it from being graded, or "".
        wall: seconds that all notebooks took.
        peak_memory: bytes, 0 where it could not be measured.
    """

    student: str
    assignment: str
    notebooks: tuple[GradedNotebook, ...]
    timestamp: str | None = None
    late_penalty: float = 0.0
    needs_manual: bool = False
    fault: str = ""
    wall: float = 0.0
    peak_memory: int = 0

    @property
    def score(self) -> float:
        """Points earned so far, the late penalty taken off, never below 0 (nbgrader's rule)."""
        return max(0.0, sum(book.score for book in self.notebooks) - self.late_penalty)

    @property
    def max_score(self) -> float:
        """Points that the assignment can earn."""
        return sum(book.max_score for book in self.notebooks)

    @property
    def cells(self) -> tuple[GradedCell, ...]:
        """The graded cells of all notebooks, in order."""
        return tuple(cell for book in self.notebooks for cell in book.cells)

    @property
    def needs_person(self) -> bool:
        """Whether a person must look: something to grade by hand, or a fault of ours."""
        return bool(self.fault) or self.needs_manual or any(cell.waiting for cell in self.cells)

    @property
    def sentence(self) -> str:
        """One plain sentence for the class table."""
        return sentences.about_submission(self)
