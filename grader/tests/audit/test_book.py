"""What audits have left beside today's assignments."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.audit.audit import SEEDS
from grader.audit.record import read_record, record_path
from grader.audit.result import KILL_RATE, NAMED_RATE
from grader.audit.subject import Subject, read_subjects
from grader.course import Course

ROOT = Path(__file__).parents[3]
COURSE = Course(ROOT)
NAMES = COURSE.assignment_names


def subject(name: str) -> Subject:
    (found,) = read_subjects(COURSE, name)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_record_says_that_the_demands_are_met(name: str) -> None:
    path = record_path(COURSE, name)
    assert path is not None
    if not path.is_file():  # `grader audit --check` refuses that
        return
    (numbers,) = read_record(path)["notebooks"]

    def total(what: str) -> int:
        return sum(step[what] for step in numbers["steps"])

    assert (numbers["blank"], numbers["flakes"]) == (0, 0)
    assert numbers["seeds"] >= SEEDS
    assert total("detected") == total("misconceptions")
    assert total("diagnosed") >= NAMED_RATE * total("misconceptions")
    assert total("killed") + numbers["equivalent"] == total("mutants")
    assert total("killed") >= KILL_RATE * total("mutants")


@pytest.mark.parametrize("name", NAMES)
def test_there_are_mutants_enough_and_few_are_explained(name: str) -> None:
    now = subject(name)
    made = [mutant for _, mutant in now.mutants()]
    stale = [e.mutant for e in now.equivalents if not any(e.covers(m) for m in made)]
    same = [m for m in made if any(e.covers(m) for e in now.equivalents)]
    assert stale == []
    assert len(made) >= 150
    assert len(same) <= (1 - KILL_RATE) * len(made)
