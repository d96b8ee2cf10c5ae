"""The class in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from grader.report.classreport import class_summary
from grader.report.model import GradedSubmission
from grader.report.text import one_line, points

_STUDENT_WIDTH = 24


def class_table(submissions: Sequence[GradedSubmission]) -> Table:
    """One row a student: name, score, and a sentence; made for 100 columns, fits fewer.

    Names and messages are untrusted: they reach the terminal as plain text, without markup and
    without control characters.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Student", no_wrap=True, overflow="ellipsis", max_width=_STUDENT_WIDTH)
    table.add_column("Score", justify="right", no_wrap=True)
    table.add_column("What happened", ratio=1, overflow="fold")
    for submission in submissions:
        score = f"{points(submission.score)} / {points(submission.max_score)}"
        table.add_row(
            Text(one_line(submission.student, 100)),
            Text(score, style=_style(submission)),
            Text(one_line(submission.sentence)),
        )
    return table


def summary(submissions: Sequence[GradedSubmission]) -> str:
    """The class in one line: how many, mean, median, how many need a person."""
    return class_summary(submissions)


def _style(submission: GradedSubmission) -> str:
    if submission.needs_person:
        return "magenta"
    if submission.max_score and submission.score >= submission.max_score:
        return "green"
    return "red" if submission.score == 0 else "yellow"
