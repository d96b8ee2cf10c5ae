"""Points for an outcome."""

from __future__ import annotations

from grader.split import Outcome, TestResult


def auto_score(result: TestResult, max_points: float) -> float | None:
    """Points that a test earns, or None where a person must decide.

    A fault of the grader's is never a zero. A test whose last expression gives more points than
    the cell has, or a number that can be no points, is a mistake in the test or a trick, so it is
    a person's to decide too.
    """
    if result.outcome is Outcome.GRADER_FAULT:
        return None
    if result.outcome is not Outcome.PASSED:
        return 0.0
    if result.partial is None:
        return max_points
    return result.partial if 0 <= result.partial <= max_points else None
