"""Say what is wrong with submissions before anything of them is run."""

from __future__ import annotations

from dataclasses import dataclass

from grader.course import Course
from grader.errors import CourseError
from grader.intake.clean import clean_notebook
from grader.intake.submission import read_submission
from grader.release import load_template


@dataclass(frozen=True)
class Inspection:
    """One student's folder.

    Attributes:
        student: whose it is.
        usable: how many of the assignment's notebooks can be run.
        expected: how many there should be.
        problems: sentences, each with the notebook it is about where that is clear.
    """

    student: str
    usable: int
    expected: int
    problems: tuple[str, ...]


def inspect_submissions(
    course: Course, assignment: str, student: str | None = None
) -> list[Inspection]:
    """Look at what was handed in for one assignment, in order of student.

    Raises:
        CourseError: there is no such assignment, or nothing was handed in.
    """
    template = load_template(course, course.require(assignment))
    found = []
    for submission in course.submissions(assignment, student):
        files = read_submission(submission, list(template.notebooks), course.limits)
        problems = list(files.problems)
        usable = 0
        for name, notebook in template.notebooks.items():
            clean = clean_notebook(
                files.notebooks.get(name), notebook, unreadable=files.unusable.get(name, "")
            )
            usable += not clean.unreadable
            problems += [clean.unreadable] if clean.unreadable else clean.problems
        found.append(
            Inspection(submission.student, usable, len(template.notebooks), tuple(problems))
        )
    if not found:
        raise CourseError(nothing_handed_in(course, assignment, student))
    return found


def nothing_handed_in(course: Course, assignment: str, student: str | None) -> str:
    """The sentence for an assignment, or a student, without a submission."""
    place = course.path("submitted", assignment, student or "STUDENT")
    return (
        f"Nothing was handed in for {assignment!r}: put submissions at {place}, "
        "or take them in with `grader intake --from`."
    )
