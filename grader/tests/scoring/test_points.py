"""Points for each outcome."""

from __future__ import annotations

import pytest

from grader.scoring import auto_score
from grader.split import Outcome, TestResult


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome.PASSED, 4.0),
        (Outcome.FAILED, 0.0),
        (Outcome.ERRORED, 0.0),
        (Outcome.TIMED_OUT, 0.0),
        (Outcome.KILLED, 0.0),
        (Outcome.NOT_RUN, 0.0),
        (Outcome.GRADER_FAULT, None),
    ],
)
def test_only_a_pass_earns_and_a_fault_of_ours_costs_nothing(
    outcome: Outcome, expected: float | None
) -> None:
    assert auto_score(TestResult("t", outcome), 4.0) == expected


def test_every_outcome_is_in_the_table() -> None:
    assert len(Outcome) == 7


@pytest.mark.parametrize(
    ("partial", "expected"),
    [(None, 4.0), (0.0, 0.0), (1.5, 1.5), (4.0, 4.0), (4.5, None), (-1.0, None)],
)
def test_partial_credit_within_the_points_counts(
    partial: float | None, expected: float | None
) -> None:
    assert auto_score(TestResult("t", Outcome.PASSED, partial=partial), 4.0) == expected
    assert auto_score(TestResult("t", Outcome.FAILED, partial=partial), 4.0) == 0.0
