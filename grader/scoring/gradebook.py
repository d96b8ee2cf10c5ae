"""Read scores back, people's manual grades and late penalties included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from sqlalchemy.exc import SQLAlchemyError

from grader.course import Course
from grader.errors import ScoringError
from grader.release.converter import programs_on_path


@dataclass(frozen=True)
class CellScore:
    """One graded cell of one student. `score` is None while a person has yet to grade it."""

    grade_id: str
    score: float | None
    max_score: float
    needs_manual: bool
    comment: str


@dataclass(frozen=True)
class SubmissionScore:
    """One student's scores: cells by (notebook, grade_id)."""

    student: str
    timestamp: str
    late_penalty: float
    cells: dict[tuple[str, str], CellScore]


def read_scores(course: Course, assignment: str) -> dict[str, SubmissionScore]:
    """All scores of an assignment, by student.

    Raises:
        ScoringError: the gradebook cannot be read, or has no such assignment.
    """
    try:
        with (
            programs_on_path(),
            Gradebook(course.db_url, course.directory.course_id) as gradebook,
        ):
            return {
                submission.student.id: SubmissionScore(
                    submission.student.id,
                    f"{submission.timestamp:%Y-%m-%d %H:%M} UTC" if submission.timestamp else "",
                    float(submission.late_submission_penalty or 0.0),
                    {
                        (notebook.name, cell.grade_id): cell
                        for notebook in submission.notebooks
                        for cell in _cells(notebook)
                    },
                )
                for submission in gradebook.find_assignment(assignment).submissions
            }
    except MissingEntry:
        raise ScoringError(
            f"The gradebook of {course.root} has no assignment {assignment!r}: "
            f"run `grader release {assignment}` first."
        ) from None
    except (SQLAlchemyError, OSError) as error:
        raise ScoringError(
            f"The gradebook {course.db_name} cannot be read: {str(error).splitlines()[0]}."
        ) from None


def _cells(notebook: Any) -> list[CellScore]:
    comments = {comment.name: comment.comment or "" for comment in notebook.comments}
    cells = []
    for grade in notebook.grades:
        chosen = grade.manual_score if grade.manual_score is not None else grade.auto_score
        extra = grade.extra_credit or 0.0
        cells.append(
            CellScore(
                grade.name,
                None if chosen is None else float(chosen) + float(extra),
                float(grade.max_score),
                bool(grade.needs_manual_grade),
                comments.get(grade.name, ""),
            )
        )
    return cells
