"""The gradebook on a real PostgreSQL server, which goes away in the middle."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.audit.doctor import examine_all
from grader.course import Course
from grader.errors import CourseError, ScoringError
from grader.farm import ResultStore, SubmissionRecord, grade
from grader.release import release_assignment
from grader.report import load_graded
from grader.scoring import read_scores
from grader.tests.courses import make_course
from grader.tests.durability.conftest import CLASS
from grader.tests.durability.postgres import Server
from grader.tests.farm.support import Inline


@pytest.fixture
def course(database: Server, tmp_path: Path, hand_in: Callable[[Path], None]) -> Course:
    """A course with its gradebook on the server, and a class that has handed in."""
    url = database.new_database()
    directory = {"db_url": url, "course_id": "course"}
    settings = [f"c.CourseDirectory.{name} = {value!r}" for name, value in directory.items()]
    root = make_course(tmp_path / "remote", "\n".join(settings))
    release_assignment(Course(root), "ps1")
    hand_in(root)
    return Course(root)


def _patience(course: Course, seconds: float) -> Course:
    config = course.root / "nbgrader_config.py"
    config.write_text(f"{config.read_text()}c.Grader.gradebook_patience = {seconds}\n")
    return Course(course.root)


def _scored(course: Course) -> dict[str, bool]:
    return {record.student: record.scored for record in ResultStore(course, "ps1").load_all()}


def test_a_class_has_the_scores_that_it_has_in_sqlite(
    course: Course, released_course: Path, hand_in: Callable[[Path], None], inline: Inline
) -> None:
    hand_in(released_course)
    for where in (course, Course(released_course)):
        assert grade(where, "ps1").faults == ()
    assert not (course.root / "gradebook.db").exists()
    ours, theirs = (read_scores(where, "ps1") for where in (course, Course(released_course)))
    assert set(ours) == set(CLASS)
    assert ours == theirs
    assert len(load_graded(course, "ps1")) == len(CLASS)


def test_a_server_that_restarts_in_the_middle_costs_nothing(
    course: Course, database: Server, inline: Inline
) -> None:
    _patience(course, 60.0)

    def restart(record: SubmissionRecord) -> None:
        if record.student == "bob":
            database.stop()
            threading.Timer(2.0, database.start).start()

    run = grade(Course(course.root), "ps1", on_record=restart)
    assert (run.graded, run.faults) == (len(CLASS), ())
    assert _scored(course) == dict.fromkeys(CLASS, True)
    scores = read_scores(course, "ps1")
    assert {name: score.cells["problem1", "test_sum"].score for name, score in scores.items()} == {
        name: 0.0 if name == "cem" else 2.0 for name in CLASS
    }
    assert database.count(course.db_url, "grade") == len(CLASS) * 11
    assert database.count(course.db_url, "submitted_assignment") == len(CLASS)


def test_a_server_that_stays_away_is_one_sentence_and_results_wait_for_it(
    course: Course, database: Server, inline: Inline
) -> None:
    course = _patience(course, 0.0)

    def stop(record: SubmissionRecord) -> None:
        if record.student == "ann":
            database.stop()

    try:
        with pytest.raises(ScoringError, match="run the same command again") as caught:
            grade(course, "ps1", on_record=stop)
        _one_sentence(caught.value)
        assert _scored(course) == {name: name == "ann" for name in CLASS}
        with pytest.raises(CourseError, match="cannot be read") as caught_next:
            grade(course, "ps1")
        _one_sentence(caught_next.value)
        (check,) = (each for each in examine_all(course.root) if each.name == "gradebook")
        assert check.ok is False
        assert "secret" not in check.sentence
    finally:
        database.start()
    ran = len(inline.ran)
    run = grade(course, "ps1")
    assert (run.graded, run.kept) == (0, len(CLASS))
    assert len(inline.ran) == ran
    assert _scored(course) == dict.fromkeys(CLASS, True)
    assert set(read_scores(course, "ps1")) == set(CLASS)


def _one_sentence(error: Exception) -> None:
    assert "\n" not in str(error)
    assert "secret" not in str(error)
    assert "postgresql" in str(error)
