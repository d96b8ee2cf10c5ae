"""The table of audits in the book is that of today's assignments."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.audit.subject import Subject, read_subjects
from grader.course import Course
from grader.report.audit import percent

ROOT = Path(__file__).parents[3]
ROWS = {
    cells[0]: cells[1:]
    for line in (ROOT / "book" / "kit" / "audit.md").read_text(encoding="utf-8").splitlines()[2:]
    if (cells := [cell.strip() for cell in line.strip("|").split("|")])
}
NAMES = Course(ROOT).assignment_names


def subject(name: str) -> Subject:
    (found,) = read_subjects(Course(ROOT), name)
    return found


def test_every_assignment_has_a_row() -> None:
    assert sorted(ROWS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_row_is_in_step(name: str) -> None:
    points, steps, wrong, _, named, mutants, noticed, equivalent, *_ = ROWS[name]
    now = subject(name)
    count = len(now.of_kind("misconception"))
    made = len(now.mutants())
    same = sum(any(e.covers(m) for e in now.equivalents) for _, m in now.mutants())
    shown = (points, steps, wrong, mutants, equivalent)
    total = f"{sum(step.points for step in now.steps):g}"
    expected = (total, str(len(now.steps)), f"{count} of {count}", str(made), str(same))
    assert shown == expected, "run `make audit`"
    assert noticed == percent((made - same) / made), "run `make audit`"
    assert made - same >= 0.95 * made
    assert int(named) >= 0.9 * count
    assert made >= 150


@pytest.mark.parametrize("name", NAMES)
def test_every_equivalent_fits_a_mutant(name: str) -> None:
    now = subject(name)
    mutants = [mutant for _, mutant in now.mutants()]
    stale = [e.mutant for e in now.equivalents if not any(e.covers(m) for m in mutants)]
    assert stale == []
