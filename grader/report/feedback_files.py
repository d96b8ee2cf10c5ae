"""Writes the feedback of one submission where nbgrader looks for it."""

from __future__ import annotations

from pathlib import Path

from grader.course import Course, is_safe_name
from grader.errors import StorageError
from grader.report.drawing import drawer
from grader.report.feedback import render_feedback
from grader.report.files import read_small, write_atomically
from grader.report.model import GradedSubmission


def write_feedback(course: Course, submission: GradedSubmission) -> list[Path]:
    """Write the pages of one submission where nbgrader looks for feedback.

    `nbgrader release_feedback` also needs the time stamp and the secret that came with the
    submission, so those are put beside the pages.

    Returns:
        The pages, in the order of the submission's notebooks.

    Raises:
        StorageError: a page cannot be written, or a name cannot be one of a file.
    """
    folder = course.path("feedback", submission.assignment, submission.student)
    group = bool(course.directory.groupshared)
    for name in (submission.student, submission.assignment):
        if not is_safe_name(name):
            raise StorageError(f"No feedback can be written for {name!r}: it cannot name a folder.")
    pages = []
    for notebook in submission.notebooks:
        if Path(notebook.name).name != notebook.name or notebook.name.startswith("."):
            raise StorageError(f"Notebook {notebook.name!r} cannot name a file; rename it.")
        page = drawer.draw(submission, notebook, show_messages=course.settings.show_messages)
        if page is None:
            page = render_feedback(submission, notebook, show_messages=False, show_notebook=False)
        pages.append(write_atomically(folder / f"{notebook.name}.html", page, group=group))
    submitted = course.path("submitted", submission.assignment, submission.student)
    for name in ("timestamp.txt", "submission_secret.txt"):
        text = read_small(submitted / name)
        if text is not None:
            write_atomically(folder / name, text, group=group)
    return pages
