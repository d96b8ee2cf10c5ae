"""Small tables for the terminal: a student's own check, what came in, the state of a machine."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from grader.intake.inspect import Inspection
from grader.report.table import MANY
from grader.report.text import one_line
from grader.report.verdicts import OUTCOMES
from grader.sandbox.doctor import Check
from grader.split.check import CheckResult

_COLOURS = {"good": "green", "bad": "red", "none": "yellow", "fault": "magenta"}
_MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("!", "yellow")}


def check_table(result: CheckResult) -> Table:
    """The outcome of every visible test, then what else a student should know."""
    table = _table("Test", "Result", "What it said")
    for test in result.result.tests:
        verdict = OUTCOMES[test.outcome]
        table.add_row(
            Text(one_line(test.grade_id, 60)),
            Text(f"{verdict.symbol} {verdict.word}", style=_COLOURS[verdict.kind]),
            Text(one_line(test.message)),
        )
    notes = [*result.problems, *(f"Cell {f.index}: {f.message}" for f in result.result.failures)]
    for note in notes:
        table.add_row(Text(""), Text("! Note", style="yellow"), Text(one_line(note)))
    table.caption = "Hidden tests decide the points; these are the visible ones."
    return table


def intake_table(inspections: Sequence[Inspection]) -> Table:
    """One row for each student: how many notebooks are there, and what was wrong with them.

    Of a class of more than `MANY` only those with something wrong have a row.
    """
    table = _table("Student", "Notebooks", "What was found")
    wrong = [found for found in inspections if found.problems or found.usable != found.expected]
    shown = wrong if len(inspections) > MANY else inspections
    if len(shown) < len(inspections):
        table.caption = f"{len(inspections) - len(shown):,} others are in order."
    for found in shown:
        problems = "\n".join(one_line(problem) for problem in found.problems)
        style = "" if found.usable == found.expected else "red"
        table.add_row(
            Text(one_line(found.student, 60)),
            Text(f"{found.usable} of {found.expected}", style=style),
            Text(problems or "In order."),
        )
    return table


def check_marks(checks: Sequence[Check]) -> Table:
    """One row for each check of `grader doctor`."""
    table = _table("", "Check", "Finding")
    for found in checks:
        mark, style = _MARKS[found.ok]
        table.add_row(Text(mark, style=style), Text(found.name), Text(found.sentence))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
