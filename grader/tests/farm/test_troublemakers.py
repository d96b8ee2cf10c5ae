"""One submission that breaks, hangs or crowds what handles it is no other's trouble."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from grader.course import Course
from grader.errors import ScoringError
from grader.farm import ResultStore, SubmissionRecord, grade
from grader.farm import job as module
from grader.scoring import read_scores
from grader.split import NotebookResult, Outcome
from grader.tests.courses import submit
from grader.tests.farm.support import Inline

CLASS = ("ann", "bob", "cem")
THOUGHT = "# another thought"


@pytest.fixture
def course(released_course: Path) -> Path:
    """A course with three submissions."""
    for student in CLASS:
        submit(released_course, student)
    return released_course


def _record(root: Path, student: str) -> SubmissionRecord:
    found = ResultStore(Course(root), "ps1").load(student)
    assert found is not None
    return found


def _mark(root: Path, *students: str) -> None:
    """Add a cell to what some of the class handed in."""
    for student in students:
        path = root / "submitted" / student / "ps1" / "problem1.ipynb"
        notebook = nbformat.read(path, as_version=4)
        notebook.cells.append(new_code_cell(THOUGHT))
        nbformat.write(notebook, path)


def test_what_breaks_on_one_submission_is_its_row(
    course: Path, inline: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = module.clean_notebook

    def breaks(raw: bytes | None, *rest: Any, **named: Any) -> Any:
        if raw is not None and b"another thought" in raw:
            raise RecursionError("as deep as that")
        return clean(raw, *rest, **named)

    _mark(course, "bob")
    monkeypatch.setattr(module, "clean_notebook", breaks)
    assert grade(Course(course), "ps1").faults == ("bob",)
    record = _record(course, "bob")
    assert "RecursionError" in record.fault
    assert {test.outcome for each in record.results for test in each.tests} == {
        Outcome.GRADER_FAULT
    }
    assert _record(course, "ann").fault == ""
    scores = read_scores(Course(course), "ps1")
    assert scores["bob"].cells["problem1", "test_sum"].score is None, "a fault is no zero"


@pytest.mark.usefixtures("unscored")
@pytest.mark.parametrize(("load", "cpu", "runs"), [(50.0, 1.0, 3), (50.0, 9.9, 2), (0.5, 1.0, 2)])
def test_who_ran_out_of_time_for_want_of_a_processor_is_run_again_alone(
    course: Path,
    inline: Inline,
    monkeypatch: pytest.MonkeyPatch,
    load: float,
    cpu: float,
    runs: int,
) -> None:
    with (course / "nbgrader_config.py").open("a") as config:
        config.write("\nc.Grader.cell_timeout = 10.0\n")
    before = module.run_notebook
    order: list[str] = []

    def run(name: str, notebook: nbformat.NotebookNode, *rest: Any) -> NotebookResult:
        found = before(name, notebook, *rest)
        mine = any(THOUGHT in cell.source for cell in notebook.cells)
        order.append("bob" if mine else "other")
        if not mine or order.count("bob") > 1:
            return found
        late = [replace(test, outcome=Outcome.TIMED_OUT, cpu=cpu) for test in found.tests]
        return replace(found, tests=tuple(late))

    _mark(course, "bob")
    monkeypatch.setattr(module, "run_notebook", run)
    monkeypatch.setattr(module.os, "getloadavg", lambda: (load, load, load))
    monkeypatch.setattr(module.os, "cpu_count", lambda: 2)
    seen: list[str] = []
    done = grade(Course(course), "ps1", on_record=lambda record: seen.append(record.student))
    assert sorted(seen) == sorted(CLASS), "each is told once"
    assert done.graded == 3
    assert order.count("bob") == runs - 1
    outcomes = {t.outcome for t in _record(course, "bob").results[0].tests}
    assert outcomes == {Outcome.PASSED if runs == 3 else Outcome.TIMED_OUT}
    if runs == 3:
        assert seen[-1] == "bob"


def test_many_records_that_cannot_be_scored_stop_no_other(
    course: Path, inline: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(course, "zoe")
    _mark(course, *CLASS)

    def breaks(cells: list[Any]) -> list[Any]:
        if any(THOUGHT in cell["source"] for cell in cells):
            raise ValueError("as told")
        return cells

    monkeypatch.setattr("grader.scoring.preprocessors.inert_cells", breaks)
    with pytest.raises(ScoringError, match="as told") as caught:
        grade(Course(course), "ps1")
    assert "2 more" in str(caught.value)
    assert read_scores(Course(course), "ps1")["zoe"].cells["problem1", "test_sum"].score == 2
    monkeypatch.undo()
