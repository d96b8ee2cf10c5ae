"""Whether this machine and this course are fit for grading."""

from __future__ import annotations

import shutil
from pathlib import Path

from nbgrader.api import Gradebook
from sqlalchemy.exc import SQLAlchemyError

from grader.course import CONFIG_NAME, Course
from grader.release.converter import programs_on_path
from grader.sandbox.doctor import Check, examine

_ROOM = 2 * 2**30


def examine_all(root: Path) -> list[Check]:
    """Look at the course at `root`, then try the sandbox for real with its limits.

    Raises:
        CourseError: there is no course at `root`, or its configuration is broken.
    """
    course = Course(root)
    with programs_on_path():
        return [
            _assignments(course),
            _gradebook(course),
            _disk(course),
            *examine(course.limits),
        ]


def _assignments(course: Course) -> Check:
    names = course.assignment_names
    if not names:
        return Check("assignments", None, f"The course at {course.root} has no assignments yet.")
    return Check("assignments", True, f"{len(names)} in {course.root}: {', '.join(names)}.")


def _gradebook(course: Course) -> Check:
    if shutil.which("alembic") is None:
        sentence = "nbgrader needs the program alembic: install nbgrader again."
        return Check("gradebook", False, sentence)
    if (
        course.db_url == f"sqlite:///{course.root / 'gradebook.db'}"
        and not (course.root / "gradebook.db").exists()
    ):
        return Check("gradebook", True, "None yet; `grader release` makes it.")
    if not course.db_url.startswith("sqlite") and not course.directory.course_id:
        sentence = (
            f"{course.db_name} refuses a course without a name: set c.CourseDirectory.course_id "
            f"in {CONFIG_NAME}."
        )
        return Check("gradebook", False, sentence)
    try:
        with Gradebook(course.db_url, course.directory.course_id) as gradebook:
            students = len(gradebook.students)
    except (SQLAlchemyError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        return Check("gradebook", False, f"{course.db_name} cannot be read: {reason}")
    return Check("gradebook", True, f"{course.db_name} has {students} students.")


def _disk(course: Course) -> Check:
    free = shutil.disk_usage(course.root).free
    sentence = f"{free / 2**30:.1f} GiB free at {course.root}."
    return Check("disk", True if free > _ROOM else None, sentence)
