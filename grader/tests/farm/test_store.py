"""What is graded again and what is kept, and what happens where it cannot be kept."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import sqlite3
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest

from grader.course import Course
from grader.errors import CourseError, Interrupted, ScoringError, StorageError
from grader.farm import GradeRun, ResultStore, SubmissionRecord, grade
from grader.farm import job as module
from grader.farm.store import write_whole
from grader.release import release_assignment
from grader.scoring import read_scores
from grader.split import NotebookResult, Outcome
from grader.tests.courses import changed, submit
from grader.tests.farm.support import Inline

CLASS = ("ann", "bob", "cem")


@pytest.fixture
def course(released_course: Path) -> Path:
    """A course with three submissions."""
    for student in CLASS:
        submit(released_course, student)
    return released_course


def _grade(root: Path, **options: Any) -> GradeRun:
    return grade(Course(root), "ps1", **options)


def _record(root: Path, student: str) -> SubmissionRecord:
    found = ResultStore(Course(root), "ps1").load(student)
    assert found is not None
    return found


def _add_output(root: Path) -> None:
    path = root / "submitted" / "bob" / "ps1" / "problem1.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].source += "\n# another thought"
    nbformat.write(notebook, path)


def _add_file(root: Path) -> None:
    (root / "submitted" / "bob" / "ps1" / "helper.py").write_text("x = 1")


def _add_timestamp(root: Path) -> None:
    stamp = root / "submitted" / "bob" / "ps1" / "timestamp.txt"
    stamp.write_text("2026-01-01 10:00:00 UTC")


def _remove_notebook(root: Path) -> None:
    (root / "submitted" / "bob" / "ps1" / "problem2.ipynb").unlink()


@pytest.mark.usefixtures("unscored")
def test_only_what_changed_is_graded_again(course: Path, inline: Inline) -> None:
    assert _grade(course).graded == 3
    assert _grade(course).graded == 0
    for change in (_add_output, _add_file, _add_timestamp, _remove_notebook):
        change(course)
        run = _grade(course)
        assert run.graded == 1, change
        assert run.kept == len(CLASS) - 1
    assert _grade(course).graded == 0


BROKEN = (
    "",
    "[1, 2",
    "[" * 100_000,
    "[]",
    '{"format": 0}',
    '{"format": 1, "results": 5, "problems": {}}',
)


@pytest.mark.usefixtures("unscored")
def test_a_record_that_cannot_be_read_is_made_again(course: Path, inline: Inline) -> None:
    _grade(course)
    for broken in BROKEN:
        (course / ".grader" / "results" / "ps1" / "bob.json").write_text(broken)
        assert _grade(course).graded == 1, broken[:50]


@pytest.mark.usefixtures("unscored")
@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "source" / "ps1" / "data.csv").write_text("a,b\n9,9\n"),
        lambda root: _configure(root, "c.Grader.cell_timeout = 9.0"),
        lambda root: _configure(root, "c.Grader.parameters = {'SEED': 3}"),
        lambda root: release_assignment(Course(_edited_source(root)), "ps1"),
    ],
    ids=["data", "limit", "parameter", "test"],
)
def test_all_is_graded_again_when_the_assignment_or_a_limit_changes(
    course: Path, inline: Inline, change: Callable[[Path], Any]
) -> None:
    _grade(course)
    change(course)
    assert _grade(course).graded == 3


def _configure(root: Path, line: str) -> None:
    config = root / "nbgrader_config.py"
    config.write_text(f"{config.read_text()}{line}\n")


def _edited_source(root: Path) -> Path:
    path = root / "source" / "ps1" / "problem2.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "test_mean":
            cell.source += "\nassert mean(rows) != 5"
    nbformat.write(notebook, path)
    return root


@pytest.mark.usefixtures("unscored")
def test_regrade_and_student_choose(course: Path, inline: Inline) -> None:
    assert _grade(course, student="bob").graded == 1
    assert _grade(course).graded == 2
    assert _grade(course, regrade=True, student="ann").graded == 1
    assert _grade(course, regrade=True).graded == 3
    assert inline.ran.count("problem1") == 7


@pytest.mark.usefixtures("unscored")
def test_changed_only_looks_at_what_was_handed_in_and_at_nothing_else(
    course: Path, inline: Inline
) -> None:
    assert _grade(course, changed_only=True).graded == 3, "all are new"
    release_assignment(Course(_edited_source(course)), "ps1")
    _configure(course, "c.Grader.cell_timeout = 9.0")
    times = _written(course)
    assert _grade(course, changed_only=True).graded == 0
    for change in (_add_output, _add_file, _add_timestamp, _remove_notebook):
        change(course)
        assert _grade(course, changed_only=True).graded == 1, change
    submit(course, "dan")
    assert _grade(course, changed_only=True).graded == 1
    assert {name: _written(course)[name] for name in ("ann", "cem")} == {
        name: times[name] for name in ("ann", "cem")
    }
    assert _grade(course).graded == 2, "without it ann and cem are out of date"


def _written(root: Path) -> dict[str, int]:
    """When each record was written."""
    folder = root / ".grader" / "results" / "ps1"
    return {path.stem: path.stat().st_mtime_ns for path in folder.glob("*.json")}


@pytest.mark.usefixtures("unscored")
def test_changed_only_tries_a_fault_of_ours_again(course: Path, inline: Inline) -> None:
    def fail(name: str) -> None:
        raise RuntimeError("the machine is on fire")

    inline.before_run = fail
    assert _grade(course).faults == CLASS
    inline.before_run = lambda name: None
    run = _grade(course, changed_only=True)
    assert (run.graded, run.faults) == (3, ())


@pytest.mark.usefixtures("unscored")
def test_ctrl_c_waits_until_nothing_is_half_done(course: Path, inline: Inline) -> None:
    """As a signal: an exception out of the handler could come up in code that cannot take it."""

    def press(name: str) -> None:
        if len(inline.ran) == 2:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    inline.before_run = press
    with pytest.raises(Interrupted, match="2 of 3 submissions are graded and kept"):
        _grade(course)
    assert signal.getsignal(signal.SIGINT) is before
    assert inline.ran.count("problem1") == 2, "the second submission was finished, no third begun"
    inline.before_run = lambda name: None
    assert _grade(course).graded == 1


@pytest.mark.usefixtures("unscored")
def test_nothing_to_do_starts_no_worker(course: Path, inline: Inline) -> None:
    _grade(course)
    assert inline.clusters == 1
    seen: list[tuple[int, int]] = []
    run = _grade(course, on_start=lambda *numbers: seen.append(numbers))
    assert inline.clusters == 1
    assert seen == [(3, 3)]
    assert (run.graded, run.kept, run.faults) == (0, 3, ())


def test_a_fault_of_ours_is_no_zero_and_is_tried_again(course: Path, inline: Inline) -> None:
    def fail(name: str) -> None:
        raise RuntimeError("the machine is on fire")

    inline.before_run = fail
    run = _grade(course, student="ann")
    assert run.faults == ("ann",)
    assert "on fire" in _record(course, "ann").fault
    cells = read_scores(Course(course), "ps1")["ann"].cells
    assert cells["problem1", "test_sum"].score is None
    assert cells["problem1", "test_sum"].needs_manual
    inline.before_run = lambda name: None
    again = _grade(course, student="ann")
    assert again.graded == 1
    cells = read_scores(Course(course), "ps1")["ann"].cells
    assert (cells["problem1", "test_sum"].score, cells["problem1", "test_sum"].needs_manual) == (
        2.0,
        False,
    )


@pytest.mark.usefixtures("unscored")
@pytest.mark.parametrize("deaths", [1, 2])
def test_a_death_that_nothing_explains_counts_the_second_time(
    course: Path, inline: Inline, monkeypatch: pytest.MonkeyPatch, deaths: int
) -> None:
    left = [deaths]

    def dying(name: str, notebook: nbformat.NotebookNode, *rest: Any) -> NotebookResult:
        if name == "problem2" or not left[0]:
            return inline.run_notebook(name, notebook)
        left[0] -= 1
        lost = inline.run_notebook(name, notebook)
        tests = tuple(type(t)(t.grade_id, Outcome.KILLED) for t in lost.tests)
        return NotebookResult(name, tests, (), lost.executed, "Stopped", unexplained=True)

    monkeypatch.setattr("grader.farm.job.run_notebook", dying)
    _grade(course, student="ann")
    record = _record(course, "ann")
    assert inline.ran.count("problem1") == 2
    assert record.fault == ""
    expected = Outcome.PASSED if deaths == 1 else Outcome.KILLED
    assert {test.outcome for test in record.results[0].tests} == {expected}


@pytest.mark.usefixtures("unscored")
def test_an_interrupted_run_keeps_what_it_has(course: Path, inline: Inline) -> None:
    def interrupt(name: str) -> None:
        if len(inline.ran) == 3:
            raise KeyboardInterrupt

    inline.before_run = interrupt
    with pytest.raises(Interrupted, match="1 of 3 submissions are graded and kept"):
        _grade(course)
    inline.before_run = lambda name: None
    assert _grade(course).graded == 2
    assert inline.ran.count("problem1") == 4, "bob's first notebook was run twice, nothing else"


def _tiny_files(root: Path) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _blocked_folder(root: Path) -> Iterator[None]:
    (root / ".grader" / "results").write_text("in the way")
    yield
    (root / ".grader" / "results").unlink()


@pytest.mark.parametrize("trouble", [_tiny_files, _blocked_folder])
def test_results_that_cannot_be_stored_are_one_sentence_and_a_rerun_completes(
    course: Path, inline: Inline, trouble: Callable[[Path], Iterator[None]]
) -> None:
    spoiled = trouble(course)
    next(spoiled)
    try:
        with pytest.raises(
            StorageError, match=r"cannot be written: .*run the command again"
        ) as hit:
            _grade(course)
    finally:
        next(spoiled, None)
    assert "\n" not in str(hit.value)
    assert _grade(course).graded == 3
    assert set(read_scores(Course(course), "ps1")) == set(CLASS)
    folder = course / ".grader" / "results" / "ps1"
    assert sorted(path.name for path in folder.iterdir()) == [f"{name}.json" for name in CLASS]


@pytest.mark.usefixtures("unscored")
def test_a_full_disk_stops_a_rerun_too_and_nothing_stored_is_lost(
    course: Path, inline: Inline
) -> None:
    _grade(course, student="ann")
    spoiled = _tiny_files(course)
    next(spoiled)
    try:
        with pytest.raises(StorageError):
            _grade(course)
    finally:
        next(spoiled, None)
    assert _grade(course).graded == 2


def test_a_locked_gradebook_is_one_sentence_and_results_wait_for_it(
    course: Path, inline: Inline
) -> None:
    shutil.rmtree(course / "submitted" / "bob")
    shutil.rmtree(course / "submitted" / "cem")
    _configure(course, "c.Grader.gradebook_patience = 0")
    with closing(sqlite3.connect(course / "gradebook.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ScoringError, match="run the same command again") as caught:
            _grade(course)
        assert "\n" not in str(caught.value)
        assert "locked" in str(caught.value)
        other.execute("ROLLBACK")
    run = _grade(course)
    assert run.graded == 0, "it was run before and only had to be scored"
    assert _record(course, "ann").scored
    assert set(read_scores(Course(course), "ps1")) == {"ann"}


def test_one_record_that_the_gradebook_refuses_stops_no_other(course: Path, inline: Inline) -> None:
    folder = course / "autograded" / "bob"
    folder.parent.mkdir()
    folder.write_text("in the way")
    with pytest.raises(ScoringError, match="'bob'"):
        _grade(course)
    scores = read_scores(Course(course), "ps1")
    assert {"ann", "cem"} <= set(scores)
    folder.unlink()
    assert _grade(course).graded == 0
    assert read_scores(Course(course), "ps1")["bob"].cells["problem1", "test_sum"].score == 2


def test_a_gradebook_that_refuses_all_is_not_asked_for_ever(course: Path, inline: Inline) -> None:
    for student in ("dan", "eve"):
        submit(course, student)
    (course / "autograded").write_text("in the way")
    with pytest.raises(ScoringError):
        _grade(course)
    assert len(ResultStore(Course(course), "ps1").load_all()) == 5, "all were run and stored"
    (course / "autograded").unlink()
    assert _grade(course).graded == 0
    assert len(read_scores(Course(course), "ps1")) == 5


@pytest.mark.usefixtures("unscored")
def test_the_bytes_of_a_class_are_never_held_at_once(
    course: Path, inline: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    references: list[weakref.ref[Any]] = []
    most = [0]
    read = module.read_submission

    def counting(*arguments: Any) -> Any:
        found = read(*arguments)
        references.append(weakref.ref(found))
        most[0] = max(most[0], sum(reference() is not None for reference in references))
        return found

    monkeypatch.setattr(module, "read_submission", counting)
    _grade(course)
    assert most[0] <= 2


def test_unknown_students_and_empty_folders_are_one_sentence(course: Path, inline: Inline) -> None:
    with pytest.raises(CourseError, match="Nothing was handed in for 'ps1'"):
        _grade(course, student="zoe")
    shutil.rmtree(course / "submitted")
    with pytest.raises(CourseError, match="Nothing was handed in for 'ps1'"):
        _grade(course)


@pytest.mark.usefixtures("unscored")
def test_a_record_survives_the_disk(course: Path, inline: Inline) -> None:
    submit(course, "dan", changed("problem1", "squares", "def squares(n): \ud7ff"))
    seen: list[SubmissionRecord] = []
    _grade(course, student="dan", on_record=seen.append)
    data = json.loads(json.dumps(seen[0].to_json()))
    assert SubmissionRecord.from_json(data) == seen[0]
    assert _record(course, "dan") == replace(seen[0], scored=True)


@pytest.mark.parametrize("student", ["../eve", "a/b", "", "a\nb", ".hidden"])
def test_a_name_that_cannot_be_a_file_is_refused(course: Path, student: str) -> None:
    with pytest.raises(StorageError):
        ResultStore(Course(course), "ps1").load(student)


def test_no_half_file_is_left_when_writing_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    write_whole(tmp_path / "a.json", "old")
    monkeypatch.setattr("os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "a.json", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text() == "old"
