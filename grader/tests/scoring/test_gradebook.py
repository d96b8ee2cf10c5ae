"""Outcomes in nbgrader's gradebook; no kernel runs here."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook

from grader.course import Course
from grader.errors import ScoringError
from grader.intake import clean_notebook
from grader.release import load_template
from grader.scoring import CellScore, GradebookWriter, SubmissionScore, read_scores
from grader.split import NotebookResult, Outcome, TestResult
from grader.tests.courses import submit

ALL = {("problem1", "test_squares"): 2, ("problem1", "test_squares_raises"): 1,
       ("problem1", "test_sum"): 2, ("problem1", "partial_sum"): 3, ("problem1", "test_plot"): 1,
       ("problem2", "test_mean"): 3, ("problem2", "test_counter"): 2}  # fmt: skip
BY_HAND = {("problem1", "equation"), ("problem2", "prose"), ("problem2", "code_by_hand"),
           ("problem2", "task")}  # fmt: skip

Results = Mapping[str, NotebookResult]
Chosen = Mapping[str, Outcome | TestResult]


def _results(root: Path, student: str, chosen: Chosen = {}) -> dict[str, NotebookResult]:  # noqa: B006
    """What running the submission would give, all passed but for what is `chosen`."""
    results = {}
    for name, template in load_template(Course(root), "ps1").notebooks.items():
        raw = (root / "submitted" / student / "ps1" / f"{name}.ipynb").read_bytes()
        tests = []
        for cell in template.tests:
            found = chosen.get(cell.grade_id, Outcome.PASSED)
            made = TestResult(cell.grade_id, found) if isinstance(found, Outcome) else found
            tests.append(made)
        executed: dict[str, Any] = clean_notebook(raw, template).notebook
        results[name] = NotebookResult(name, tuple(tests), (), executed)
    return results


def _write(root: Path, results: Results, **options: Any) -> None:
    with GradebookWriter(Course(root), "ps1") as writer:
        writer.score("ann", results, **options)


def _score(root: Path, chosen: Chosen = {}, **options: Any) -> SubmissionScore:  # noqa: B006
    if not (root / "submitted" / "ann").exists():
        submit(root, "ann")
    _write(root, _results(root, "ann", chosen), **options)
    return read_scores(Course(root), "ps1")["ann"]


def test_each_outcome_reaches_the_gradebook(released_course: Path) -> None:
    scores = _score(
        released_course,
        {
            "test_squares": Outcome.FAILED,
            "test_squares_raises": Outcome.KILLED,
            "test_sum": Outcome.GRADER_FAULT,
            "partial_sum": TestResult("partial_sum", Outcome.PASSED, partial=1.5),
            "test_mean": TestResult("test_mean", Outcome.PASSED, partial=9.0),
        },
    )
    tests = {key[1]: (scores.cells[key].score, scores.cells[key].needs_manual) for key in ALL}
    assert tests == {
        "test_squares": (0.0, False),
        "test_squares_raises": (0.0, False),
        "test_sum": (None, True),
        "partial_sum": (1.5, False),
        "test_plot": (1.0, False),
        "test_mean": (None, True),
        "test_counter": (2.0, False),
    }
    assert set(scores.cells) == set(ALL) | BY_HAND
    assert all(scores.cells[key].needs_manual and scores.cells[key].score is None
               for key in BY_HAND - {("problem2", "task")})  # fmt: skip


def test_scoring_twice_changes_nothing(released_course: Path) -> None:
    first = _score(released_course, {"test_sum": Outcome.FAILED})
    assert _score(released_course, {"test_sum": Outcome.FAILED}) == first
    assert len(read_scores(Course(released_course), "ps1")) == 1


def test_a_persons_grade_and_comment_stay_when_it_is_graded_again(released_course: Path) -> None:
    _score(released_course, {"test_sum": Outcome.FAILED})
    with _gradebook(released_course) as gradebook:
        gradebook.find_grade("test_sum", "problem1", "ps1", "ann").manual_score = 1.5
        prose = gradebook.find_grade("prose", "problem2", "ps1", "ann")
        prose.manual_score, prose.needs_manual_grade = 3.0, False
        gradebook.find_comment("prose", "problem2", "ps1", "ann").manual_comment = "Nice."
        gradebook.db.commit()
    again = _score(released_course, {"test_sum": Outcome.PASSED})
    assert again.cells["problem1", "test_sum"].score == 1.5
    assert again.cells["problem1", "test_sum"].needs_manual, "a person should look again"
    assert again.cells["problem2", "prose"] == CellScore("prose", 3.0, 4.0, True, "Nice.")


def test_what_cannot_be_read_gets_no_points_and_no_work_for_a_person(
    released_course: Path,
) -> None:
    scores = _score(released_course, {}, unreadable=["problem2"])
    lost = [cell for (notebook, _), cell in scores.cells.items() if notebook == "problem2"]
    assert [(cell.score, cell.needs_manual) for cell in lost] == [(0.0, False)] * 5
    assert scores.cells["problem1", "test_sum"].score == 2


def test_an_answer_left_as_it_was_is_no_response(released_course: Path) -> None:
    submit(released_course, "ann", {"problem1": {}, "problem2": {}})
    scores = _score(released_course)
    for key in (("problem1", "equation"), ("problem2", "prose")):
        assert scores.cells[key].score == 0
        assert not scores.cells[key].needs_manual
        assert scores.cells[key].comment == "No response."


def test_extra_credit_and_a_late_penalty_count(released_course: Path) -> None:
    config = released_course / "nbgrader_config.py"
    config.write_text(config.read_text() + "c.LateSubmissionPlugin.penalty_method = 'zero'\n")
    with _gradebook(released_course) as gradebook:
        gradebook.update_or_create_assignment("ps1", duedate="2026-01-01 12:00:00 UTC")
    scores = _score(released_course, timestamp="2026-01-02 12:00:00.000000 UTC")
    assert scores.timestamp == "2026-01-02 12:00 UTC"
    assert scores.late_penalty == sum(ALL.values())
    with _gradebook(released_course) as gradebook:
        gradebook.find_grade("test_sum", "problem1", "ps1", "ann").extra_credit = 1.0
        gradebook.db.commit()
    again = read_scores(Course(released_course), "ps1")["ann"]
    assert again.cells["problem1", "test_sum"].score == 3
    on_time = _score(released_course, timestamp="2025-12-31 12:00:00.000000 UTC")
    assert on_time.late_penalty == 0


@pytest.mark.parametrize(
    "timestamp", ["", "yesterday", "2026-99-99 00:00:00 UTC", "1 2 /etc/x", "9" * 200, "\x00"]
)
def test_a_timestamp_that_is_no_time_is_none(released_course: Path, timestamp: str) -> None:
    assert _score(released_course, timestamp=timestamp).timestamp == ""


def test_the_notebooks_that_stay_are_the_executed_ones(released_course: Path) -> None:
    submit(released_course, "ann")
    results = _results(released_course, "ann")
    shown = nbformat.v4.new_output("stream", name="stdout", text="it ran")
    for cell in results["problem1"].executed["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [shown]
    _write(released_course, results)
    kept = nbformat.read(released_course / "autograded" / "ann" / "ps1" / "problem1.ipynb", 4)
    assert any(cell.get("outputs") == [shown] for cell in kept.cells)
    submitted = released_course / "submitted" / "ann" / "ps1" / "problem1.ipynb"
    assert "it ran" not in submitted.read_text()


def _read_only(root: Path) -> None:
    with sqlite3.connect(root / "gradebook.db") as database:
        database.execute(
            "CREATE TRIGGER no BEFORE UPDATE ON grade BEGIN SELECT RAISE(FAIL, 'no more'); END"
        )
    database.close()


def _unwritable(root: Path) -> None:
    (root / "autograded").write_text("in the way")


@pytest.mark.parametrize("spoil", [_read_only, _unwritable])
def test_a_gradebook_that_refuses_is_one_sentence(
    released_course: Path, spoil: Callable[[Path], None]
) -> None:
    submit(released_course, "ann")
    results = _results(released_course, "ann")
    spoil(released_course)
    with pytest.raises(ScoringError) as caught:
        _write(released_course, results)
    assert "\n" not in str(caught.value)
    assert "'ann'" in str(caught.value)


def test_a_test_without_an_outcome_is_an_error_never_a_score(released_course: Path) -> None:
    submit(released_course, "ann")
    results = _results(released_course, "ann")
    first = results["problem1"]
    results["problem1"] = NotebookResult("problem1", first.tests[1:], (), first.executed)
    with pytest.raises(ScoringError, match="'test_squares' of problem1 has no outcome"):
        _write(released_course, results)


@pytest.mark.parametrize("content", [b"not a database at all" * 100, None])
def test_scores_that_cannot_be_read_are_one_sentence(
    released_course: Path, content: bytes | None
) -> None:
    gradebook = released_course / "gradebook.db"
    gradebook.unlink()
    if content:
        gradebook.write_bytes(content)
    with pytest.raises(ScoringError) as caught:
        read_scores(Course(released_course), "ps1")
    assert "\n" not in str(caught.value)


def _gradebook(root: Path) -> Any:
    return Gradebook(f"sqlite:///{root / 'gradebook.db'}")
