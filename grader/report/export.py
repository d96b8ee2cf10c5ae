"""Scores as a table for other programs."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import TextIO

from grader.report.classreport import Step, assignment_steps, cells_by_step
from grader.report.model import GradedSubmission
from grader.report.text import one_line, points

# A spreadsheet takes a cell that begins with one of these (ASCII or full width) for a formula.
_FORMULA = tuple("=+-@|%\t\r\n\uff1d\uff0b\uff0d\uff20")
# Where a spreadsheet separates cells by one of these, a cell begins behind it.
_INNER_FORMULA = re.compile(r"([;|\t])(?=\s*[\"']?\s*[=+\-@|%\uff1d\uff0b\uff0d\uff20])")

_COLUMNS = ("points", "outcome", "misconception")


def export_csv(submissions: Sequence[GradedSubmission], file: TextIO) -> None:
    """Write one row a student: scores, then points, outcome and misconception of each step.

    Text that a spreadsheet would run as a formula gets an apostrophe in front.

    Args:
        file: open for writing text with `newline=""`.
    """
    steps = assignment_steps(submissions)
    several = len({step.notebook for step in steps}) > 1
    names = [f"{step.notebook}/{step.grade_id}" if several else step.grade_id for step in steps]
    writer = csv.writer(file)
    writer.writerow(
        [
            *("assignment", "student", "score", "max_score"),
            *(harmless(f"{name} {what}") for name in names for what in _COLUMNS),
            *("needs_manual", "sentence"),
        ]
    )
    for submission in submissions:
        writer.writerow(
            [
                harmless(submission.assignment),
                harmless(submission.student),
                points(submission.score),
                points(submission.max_score),
                *_step_columns(submission, steps),
                "yes" if submission.needs_manual else "no",
                harmless(submission.sentence),
            ]
        )


def harmless(text: str) -> str:
    """`text` on one line, and never a formula."""
    text = one_line(text, 1000)
    text = _INNER_FORMULA.sub(r"\1'", text)
    return f"'{text}" if text.lstrip("\"' ").startswith(_FORMULA) else text


def _step_columns(submission: GradedSubmission, steps: Sequence[Step]) -> list[str]:
    cells = cells_by_step(submission)
    columns: list[str] = []
    for step in steps:
        cell = cells.get((step.notebook, step.grade_id))
        earned = "" if cell is None or cell.points is None else points(cell.points)
        name = cell.diagnosis.name if cell and cell.diagnosis and cell.misconception else ""
        columns += [earned, str(cell.outcome) if cell and cell.outcome else "", harmless(name)]
    return columns
