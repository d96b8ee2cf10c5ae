"""Read scores back, people's manual grades and late penalties included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from nbgrader.api import (
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    GradeCell,
    MissingEntry,
    Notebook,
    SubmittedAssignment,
    SubmittedNotebook,
    TaskCell,
)
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from grader.course import Course
from grader.errors import ScoringError
from grader.release.converter import programs_on_path


@dataclass(frozen=True, slots=True)
class CellScore:
    """One graded cell of one student. `score` is None while a person has yet to grade it."""

    grade_id: str
    score: float | None
    max_score: float
    needs_manual: bool
    comment: str


@dataclass(frozen=True, slots=True)
class SubmissionScore:
    """One student's scores: cells by (notebook, grade_id)."""

    student: str
    timestamp: str
    late_penalty: float
    cells: dict[tuple[str, str], CellScore]


def read_scores(
    course: Course, assignment: str, student: str | None = None
) -> dict[str, SubmissionScore]:
    """Scores of an assignment, by student: all, or those of one.

    A few queries read a whole class. nbgrader's own objects take some for every notebook, each of
    which goes through the grades of all students.

    Raises:
        ScoringError: the gradebook cannot be read, or has no such assignment.
    """
    with _opened(course, assignment) as gradebook:
        found = gradebook.find_assignment(assignment).id
        keys, points = _cells_of(gradebook, found)
        submissions = (
            select(SubmittedAssignment.id, SubmittedAssignment.student_id)
            .add_columns(SubmittedAssignment.timestamp)
            .where(SubmittedAssignment.assignment_id == found)
            .order_by(SubmittedAssignment.student_id)
        )
        if student is not None:
            submissions = submissions.where(SubmittedAssignment.student_id == student)
        cells: dict[str, dict[tuple[str, str], CellScore]] = {}
        penalties: dict[str, float] = {}
        rows = gradebook.db.execute(submissions).all()
        for row in rows:
            cells[row.id], penalties[row.id] = {}, 0.0
        chosen = submissions.with_only_columns(SubmittedAssignment.id).order_by(None)
        notebooks = {}
        for name, place, penalty in gradebook.db.execute(
            select(
                SubmittedNotebook.id,
                SubmittedNotebook.assignment_id,
                SubmittedNotebook.late_submission_penalty,
            ).where(SubmittedNotebook.assignment_id.in_(chosen))
        ):
            notebooks[name] = place
            penalties[place] += float(penalty or 0.0)
        # a cell that is written and graded has a row of each kind, by the same name
        comments = {
            (place, keys[cell]): text
            for place, cell, text in gradebook.db.execute(
                _of_notebooks(Comment, chosen).add_columns(Comment.comment)
            )
            if text
        }
        for place, cell, auto, manual, extra, needs in gradebook.db.execute(
            _of_notebooks(Grade, chosen).add_columns(
                Grade.auto_score, Grade.manual_score, Grade.extra_credit, Grade.needs_manual_grade
            )
        ):
            score = auto if manual is None else manual
            cells[notebooks[place]][keys[cell]] = CellScore(
                keys[cell][1],
                None if score is None else float(score) + float(extra or 0.0),
                points[cell],
                bool(needs),
                comments.get((place, keys[cell]), ""),
            )
        return {
            row.student_id: SubmissionScore(
                row.student_id,
                f"{row.timestamp:%Y-%m-%d %H:%M} UTC" if row.timestamp else "",
                penalties[row.id],
                cells[row.id],
            )
            for row in rows
        }


def _cells_of(
    gradebook: Gradebook, assignment: str
) -> tuple[dict[str, tuple[str, str]], dict[str, float]]:
    """Names and points of an assignment's cells, by their ids in the database."""
    cells = BaseCell.__table__
    keys = {
        cell: (notebook, name)
        for cell, notebook, name in gradebook.db.execute(
            select(cells.c.id, Notebook.name, cells.c.name)
            .join(Notebook, Notebook.id == cells.c.notebook_id)
            .where(Notebook.assignment_id == assignment)
        )
    }
    points = {
        cell: float(most or 0.0)
        for kind in (GradeCell.__table__, TaskCell.__table__)
        for cell, most in gradebook.db.execute(select(kind.c.id, kind.c.max_score))
    }
    return keys, points


def _of_notebooks(kind: Any, chosen: Any) -> Any:
    """Rows of a kind, by submitted notebook and cell, for the chosen submissions."""
    return (
        select(kind.notebook_id, kind.cell_id)
        .join(SubmittedNotebook, SubmittedNotebook.id == kind.notebook_id)
        .where(SubmittedNotebook.assignment_id.in_(chosen))
    )


@contextmanager
def _opened(course: Course, assignment: str) -> Iterator[Gradebook]:
    """The gradebook, with what can be wrong with it as one sentence."""
    try:
        with (
            programs_on_path(),
            Gradebook(course.db_url, course.directory.course_id) as gradebook,
        ):
            yield gradebook
    except MissingEntry:
        raise ScoringError(
            f"The gradebook of {course.root} has no assignment {assignment!r}: "
            f"run `grader release {assignment}` first."
        ) from None
    except (SQLAlchemyError, OSError) as error:
        raise ScoringError(
            f"The gradebook {course.db_name} cannot be read: {str(error).splitlines()[0]}."
        ) from None
