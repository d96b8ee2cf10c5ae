"""The class in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from grader.report.classreport import class_summary
from grader.report.model import GradedSubmission
from grader.report.text import one_line, points
from grader.split import Outcome

MANY = 50
"""Rows of a class that are still looked at one by one."""
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


def worth_a_look(submissions: Sequence[GradedSubmission]) -> tuple[list[GradedSubmission], str]:
    """What the terminal shows of a class, so that thousands of rows do not hide the few that count.

    Returns:
        All of a class of up to `MANY`. Of a larger one those that the grader failed in, that have
        no points, whose notebook ended early, or was mended: the first `MANY` of them in this
        order. And a sentence about the others, or "".
    """
    if len(submissions) <= MANY:
        return list(submissions), ""
    odd = sorted((each for each in submissions if _oddity(each)), key=_oddity)
    shown = odd[:MANY]
    more = f" {len(odd) - MANY:,} more such are left out." if len(odd) > MANY else ""
    return shown, (
        f"Rows: {len(shown)} of {len(submissions):,}, for submissions that the grader failed in, "
        f"that have no points, or whose notebook ended early or was mended.{more}"
    )


def _oddity(submission: GradedSubmission) -> int:
    """1 for what is most urgent, rising; 0 for what needs no look."""
    signs = (
        bool(submission.fault) or any(c.outcome is Outcome.GRADER_FAULT for c in submission.cells),
        submission.score == 0 and not all(cell.waiting for cell in submission.cells),
        any(book.ended_early for book in submission.notebooks),
        any(book.problems for book in submission.notebooks),
    )
    return next((place for place, sign in enumerate(signs, start=1) if sign), 0)


def summary(submissions: Sequence[GradedSubmission]) -> str:
    """The class in one line: how many, mean, median, how many need a person."""
    return class_summary(submissions)


def _style(submission: GradedSubmission) -> str:
    if submission.needs_person:
        return "magenta"
    if submission.max_score and submission.score >= submission.max_score:
        return "green"
    return "red" if submission.score == 0 else "yellow"
