"""`grader intake`: what is wrong with submissions, said before anything of them is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from grader.course import Course
from grader.errors import CourseError
from grader.intake import clean_notebook, inspect_submissions, read_submission
from grader.release import load_template
from grader.tests.courses import ANSWERS, changed, submit


def test_an_honest_submission_has_no_problems(released_course: Path) -> None:
    submit(released_course, "ann")
    [found] = inspect_submissions(Course(released_course), "ps1")
    assert (found.student, found.usable, found.expected, found.problems) == ("ann", 2, 2, ())


def test_an_honest_submission_keeps_every_answer(released_course: Path) -> None:
    submit(released_course, "ann")
    course = Course(released_course)
    template = load_template(course, "ps1")
    [submission] = course.submissions("ps1")
    files = read_submission(submission, list(template.notebooks), course.limits)
    assert set(files.files) == {"data.csv"}
    for name, notebook in template.notebooks.items():
        cells = clean_notebook(files.notebooks[name], notebook).notebook.cells
        sources = {c.metadata.nbgrader.grade_id: c.source for c in cells if c.metadata}
        assert sources.items() >= ANSWERS[name].items()


def test_each_student_has_a_row_of_their_own(released_course: Path) -> None:
    submit(released_course, "ann")
    submit(released_course, "bob", {"problem1": ANSWERS["problem1"]})
    submit(released_course, "cat", changed("problem1", "test_squares", "assert True"))
    submit(released_course, "dan")
    folder = released_course / "submitted" / "dan" / "ps1"
    (folder / "problem1.ipynb").write_bytes(b"")
    (folder / "problem2.ipynb").unlink()
    (folder / "problem2.ipynb").symlink_to("/etc/passwd")
    (released_course / "submitted" / "eve" / "ps1").mkdir(parents=True)
    rows = {row.student: row for row in inspect_submissions(Course(released_course), "ps1")}
    assert {name: row.usable for name, row in rows.items()} == {
        "ann": 2,
        "bob": 1,
        "cat": 2,
        "dan": 0,
        "eve": 0,
    }
    assert rows["ann"].problems == ()
    assert [("problem2.ipynb" in text) for text in rows["bob"].problems] == [True]
    assert ["test_squares" in text for text in rows["cat"].problems] == [True]
    assert len(rows["dan"].problems) == 2
    assert len(rows["eve"].problems) == 2


def test_one_student(released_course: Path) -> None:
    for student in ("ann", "bob"):
        submit(released_course, student)
    rows = inspect_submissions(Course(released_course), "ps1", "bob")
    assert [row.student for row in rows] == ["bob"]


def test_a_submission_in_an_old_format(released_course: Path) -> None:
    def drop_ids(name: str, notebook: Any) -> None:
        notebook.nbformat_minor = 2
        for cell in notebook.cells:
            del cell["id"]

    submit(released_course, "ann", change=drop_ids)
    [row] = inspect_submissions(Course(released_course), "ps1")
    assert (row.usable, row.problems) == (2, ())


def test_nothing_is_written_or_run(released_course: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    submit(released_course, "ann", changed("problem1", "squares", f"open({str(trace)!r}, 'w')"))
    before = {path: path.stat().st_mtime_ns for path in released_course.rglob("*")}
    inspect_submissions(Course(released_course), "ps1")
    after = {path: path.stat().st_mtime_ns for path in released_course.rglob("*")}
    assert after == before
    assert not trace.exists()


@pytest.mark.parametrize("student", [None, "ann"])
def test_nothing_handed_in(released_course: Path, student: str | None) -> None:
    with pytest.raises(CourseError, match=r"Nothing was handed in for 'ps1': .*--from`\."):
        inspect_submissions(Course(released_course), "ps1", student)


def test_an_unknown_assignment(released_course: Path) -> None:
    with pytest.raises(CourseError, match="no assignment 'ps9'"):
        inspect_submissions(Course(released_course), "ps9")


def test_inspection_is_plain_data(released_course: Path) -> None:
    submit(released_course, "ann")
    [row] = inspect_submissions(Course(released_course), "ps1")
    assert json.loads(json.dumps(vars(row)))["student"] == "ann"
