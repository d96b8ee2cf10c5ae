"""One sentence for every way that a submission can end."""

from __future__ import annotations

import pytest

from grader.report.sentences import SENTENCE_CAP, step_title
from grader.report.verdicts import OUTCOMES, verdict
from grader.split.outcomes import Outcome
from grader.tests.report.samples import failure, graded, notebook, submission


def steps(*outcomes, **changes):
    return tuple(
        graded(outcome, grade_id=f"test_step{n}", title=f"Step {n}: something", **changes)
        for n, outcome in enumerate(outcomes, start=1)
    )


def sentence_of(*cells, **changes):
    return submission(notebook(*cells, **changes)).sentence


P, F, E, T, K, N, G = Outcome


def test_every_outcome_has_its_own_words():
    assert set(OUTCOMES) == set(Outcome)
    assert len({(v.symbol, v.word, v.meaning) for v in OUTCOMES.values()}) == len(Outcome)
    assert len({v.symbol for v in OUTCOMES.values()}) == len(Outcome)
    for outcome in Outcome:
        assert verdict(graded(outcome)) is OUTCOMES[outcome]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((P, P), "All 8 points."),
        ((P, F), "4 of 8: Step 2 failed its test."),
        ((P, E), "4 of 8: Step 2 stopped with an error."),
        ((P, T), "4 of 8: Step 2 ran out of time."),
        ((P, K), "4 of 8: Step 2 ended the program."),
        ((P, N), "4 of 8: Step 2 was not run."),
        ((P, G), "4 of 8: Step 2 could not be graded, through a fault of ours."),
        ((F, F, P), "4 of 12: Step 1 and Step 2 failed their tests."),
        ((F, T, P), "4 of 12: Step 1 failed its test; Step 2 ran out of time."),
        ((F, F), "0 of 8: no test passed."),
        ((P, *[F] * 6), "4 of 28: 6 steps failed their tests."),
    ],
)
def test_sentence_of_outcomes(outcomes, expected):
    assert sentence_of(*steps(*outcomes)) == expected


def test_a_message_is_quoted_when_it_speaks_for_all():
    said = "improve: take the best action."
    assert sentence_of(graded(P), *steps(F, message=said)) == (
        "4 of 8: Step 1 failed its test (improve: take the best action)."
    )
    assert sentence_of(*steps(E, E, message="NotImplementedError: ")) == (
        "0 of 8: no test passed (NotImplementedError)."
    )


def test_a_hidden_test_is_called_hidden():
    assert "Step 1 failed its hidden test" in sentence_of(graded(P), *steps(F, hidden=True))


def test_a_broken_cell_comes_before_the_tests_that_it_broke():
    assert sentence_of(*steps(P, E), failures=(failure(),)) == (
        "4 of 8: cell 1 (step1) stopped with NameError: name 'x' is not defined; "
        "Step 2 stopped with an error."
    )


def test_a_cell_at_its_limit_reads_as_a_sentence():
    slow = failure(message="It ran longer than the 30 s allowed for one cell.")
    assert sentence_of(*steps(P, E), failures=(slow,)).startswith(
        "4 of 8: cell 1 (step1): it ran longer than the 30 s allowed for one cell; Step 2"
    )
    bare = failure(message="NotImplementedError: ", grade_id="")
    assert "cell 1 stopped with NotImplementedError;" in sentence_of(*steps(P, E), failures=(bare,))


def test_titles_lose_their_points_and_marks():
    cell = graded(title="Step 2: the value `v` of a **policy** (4 points, difficulty 2)")
    assert step_title(cell) == "Step 2: the value v of a policy"
    assert step_title(graded(title="Sum (of two)")) == "Sum (of two)"
    assert step_title(graded(title="", grade_id="test_sum")) == "test_sum"


def test_a_limit_is_told_and_a_test_that_never_began_says_nothing():
    reason = "It ran longer than the 30 s allowed for one cell."
    assert sentence_of(graded(P), *steps(T, message=reason)) == (
        "4 of 8: Step 1 ran out of time (it ran longer than the 30 s allowed for one cell)."
    )
    assert sentence_of(graded(P), *steps(N, message=reason)) == "4 of 8: Step 1 was not run."


def test_a_broken_cell_that_costs_nothing_is_not_mentioned():
    assert sentence_of(*steps(P), failures=(failure(),)) == "All 4 points."


def test_an_unreadable_file_is_what_it_is():
    unread = {"executed": {}, "problems": ("The file is not a notebook.",)}
    assert sentence_of(*steps(N, N), **unread) == "The file is not a notebook."


def test_an_early_end_comes_first():
    ended = "stopped after 30 s: cell 5 (step3_iterate) never ended"
    assert sentence_of(*steps(P, T, N), ended_early=ended) == (
        "Stopped after 30 s: cell 5 (step3_iterate) never ended."
    )


def test_a_note_of_intake_follows():
    note = "The test cell test_step1 was missing and has been put back."
    assert sentence_of(*steps(P), problems=(note,)) == f"All 4 points. {note}"
    assert sentence_of(*steps(P), problems=(note, note, note)).endswith("(2 more notes.)")


def test_answers_for_a_person():
    waiting = graded(None, kind="manual", grade_id="explain", title="Explain", max_points=3.0)
    assert sentence_of(*steps(P), waiting) == "4 of 7: 3 points wait for a person."
    in_part = graded(None, kind="manual", points=2.5, max_points=3.0)
    assert sentence_of(*steps(P), in_part) == (
        "6.5 of 7: 0.5 points lost in answers graded by a person."
    )


def test_partial_credit():
    assert sentence_of(*steps(P), graded(P, points=1.5)) == "5.5 of 8: Step 1 passed in part."


def test_lateness():
    late = submission(notebook(*steps(P, P)), late_penalty=2.0)
    assert late.sentence == "6 of 8: 2 points taken off for lateness."
    assert (late.score, late.max_score) == (6.0, 8.0)
    assert submission(notebook(*steps(F)), late_penalty=2.0).score == 0.0


def test_several_notebooks():
    both = submission(
        notebook(*steps(P), name="one"),
        notebook(*steps(N), name="two", executed={}, problems=("The file is empty.",)),
    )
    assert both.sentence == "4 of 8: two: The file is empty. The file is empty."
    assert submission(notebook(*steps(P)), notebook(*steps(P))).sentence == "All 8 points."


def test_our_fault_comes_before_all():
    lost = submission(notebook(*steps(F)), fault="the sandbox was lost")
    assert lost.sentence == "Not graded, through a fault of ours: The sandbox was lost."


def test_a_sentence_stays_short_and_on_one_line():
    cells = steps(F, E, T, K, N, message="long\n" * 500)
    text = sentence_of(graded(P), *cells, problems=("x" * 5000,), failures=(failure(),))
    assert len(text) <= SENTENCE_CAP + 20
    assert "\n" not in text


def test_nothing_at_all():
    assert sentence_of(graded(P, max_points=0.0, points=0.0)) == "Nothing in it carries points."
    empty = submission()
    assert type(empty)("a", "b", ()).sentence == "Nothing was handed in."
