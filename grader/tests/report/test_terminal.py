"""Small tables for the terminal."""

from __future__ import annotations

import io

from rich.console import Console

from grader.intake import Inspection
from grader.report.table import MANY
from grader.report.terminal import intake_table


def came_in(inspections: list[Inspection]) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    console.print(intake_table(inspections))
    return console.file.getvalue()


def test_of_a_large_class_intake_shows_what_is_not_in_order() -> None:
    good = [Inspection(f"good{number:05}", 1, 1, ()) for number in range(10_000)]
    bad = [Inspection("less", 0, 1, ()), Inspection("twice", 1, 1, ("A cell is there twice.",))]
    table = came_in([*good, *bad])
    assert len(table.splitlines()) < 10
    assert "less" in table
    assert "A cell is there twice." in table
    assert "10,000 others are in order." in table


def test_a_small_class_is_shown_whole() -> None:
    table = came_in([Inspection(f"good{number:03}", 1, 1, ()) for number in range(MANY)])
    assert table.count("In order.") == MANY
    assert "others" not in table
