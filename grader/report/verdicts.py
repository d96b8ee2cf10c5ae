"""How one graded step ended, in a symbol, a word and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from grader.split.outcomes import Outcome

if TYPE_CHECKING:
    from grader.report.model import GradedCell


class Verdict(NamedTuple):
    """How a step ended, for people.

    Attributes:
        kind: "good", "part", "bad", "none", "fault" or "wait": what a page colours by.
        symbol: one character that says the same without colour.
        word: one or two words.
        meaning: one or two sentences for the student.
        lost: what a sentence says of one step, after its name.
        lost_many: the same of several steps.
    """

    kind: str
    symbol: str
    word: str
    meaning: str
    lost: str = ""
    lost_many: str = ""


OUTCOMES: dict[Outcome, Verdict] = {
    Outcome.PASSED: Verdict("good", "✓", "Passed", "Every check of this step held."),
    Outcome.FAILED: Verdict(
        "bad",
        "✗",
        "Failed",
        "Your code ran to the end, but a check of what it gave did not hold.",
        "failed its test",
        "failed their tests",
    ),
    Outcome.ERRORED: Verdict(
        "bad",
        "!",
        "Error",
        "An exception ended the test before its checks were through.",
        "stopped with an error",
        "stopped with errors",
    ),
    Outcome.TIMED_OUT: Verdict(
        "bad",
        "∞",
        "Out of time",
        "The test was stopped at its time limit. Look for a loop that never ends, or for work "
        "that is done again and again.",
        "ran out of time",
        "ran out of time",
    ),
    Outcome.KILLED: Verdict(
        "bad",
        "■",
        "Stopped",
        "The program ended while this test ran: it used more than it may (memory, processes, "
        "files or output), or it ended itself.",
        "ended the program",
        "ended the program",
    ),
    Outcome.NOT_RUN: Verdict(
        "none",
        "\u2013",
        "Not run",
        "The notebook had ended before this test could start, so it says nothing about this step.",
        "was not run",
        "were not run",
    ),
    Outcome.GRADER_FAULT: Verdict(
        "fault",
        "?",
        "Not graded",
        "We could not grade this step, through no fault of yours. It is not a zero: a person "
        "will look at it.",
        "could not be graded, through a fault of ours",
        "could not be graded, through a fault of ours",
    ),
}
PARTLY = Verdict(
    "part", "◐", "In part", "Some checks of this step held.", "passed in part", "passed in part"
)
_WAITING = Verdict("wait", "…", "Waiting", "A person will grade this answer.")
_BY_HAND = Verdict("good", "✓", "Graded", "A person graded this answer.")
_BY_HAND_PART = Verdict("part", "◐", "Graded", "A person graded this answer.")


def verdict(cell: GradedCell) -> Verdict:
    """How `cell` ended, for people."""
    if cell.outcome is Outcome.GRADER_FAULT:
        return OUTCOMES[Outcome.GRADER_FAULT]
    if cell.kind != "test":
        if cell.points is None:
            return _WAITING
        return _BY_HAND if cell.full else _BY_HAND_PART
    outcome = cell.outcome or Outcome.NOT_RUN
    return PARTLY if outcome is Outcome.PASSED and not cell.full else OUTCOMES[outcome]
