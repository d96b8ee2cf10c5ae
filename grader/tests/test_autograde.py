"""Stock `nbgrader autograde` and Formgrader's button give the scores that `grader grade` gives."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert.preprocessors import Preprocessor
from nbformat.v4 import new_code_cell
from nbgrader.api import Gradebook
from nbgrader.apps import NbGrader, NbGraderAPI
from nbgrader.preprocessors import Execute, LimitOutput, SaveAutoGrades
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from grader import autograde
from grader.autograde import SaveSplitOutcomes, SplitExecution, SubmissionExporter, use_split
from grader.course import Course
from grader.errors import SandboxError, SandboxUnavailable
from grader.farm import ResultStore, grade
from grader.farm import job as farm_job
from grader.release.converter import programs_on_path
from grader.report import load_graded
from grader.scoring import CellScore, SubmissionScore, read_scores
from grader.split import Outcome
from grader.tests.courses import ANSWERS, changed, submit

TWO_LINES = "from grader.autograde import use_split\nuse_split(c)\n"
SHOWS_OK = "import sys\n\ndef squares(n):\n    sys.displayhook('ok')\n    return []"
NO_ASSERT = (
    "import ast\nfrom IPython import get_ipython\n\n"
    "class NoAssert(ast.NodeTransformer):\n"
    "    def visit_Assert(self, node):\n"
    "        return ast.copy_location(ast.Pass(), node)\n\n"
    "get_ipython().ast_transformers.append(NoAssert())\n"
    "def squares(n):\n    return [1]"
)


def _skip_tests(name: str, notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.metadata["tags"] = ["skip-execution"]


def _double_and_delete(name: str, notebook: nbformat.NotebookNode) -> None:
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in notebook.cells}
    if "test_sum" in cells:
        notebook.cells.remove(cells["test_sum"])
        notebook.cells.append(new_code_cell("pass", metadata=cells["test_squares"].metadata))


def _only(notebook: str, grade_id: str, source: str) -> dict[str, dict[str, str]]:
    """One notebook, with one other answer: what is not handed in need not run."""
    return {notebook: changed(notebook, grade_id, source)[notebook]}


WRONG = _only("problem1", "squares", "def squares(n):\n    return [1]")
CLASS: dict[str, dict[str, Any]] = {
    "honest": {},
    "wrong": {"answers": WRONG},
    "shows-ok": {"answers": _only("problem1", "squares", SHOWS_OK)},
    "skips": {"answers": WRONG, "change": _skip_tests},
    "no-assert": {"answers": _only("problem1", "squares", NO_ASSERT)},
    "doubles": {"answers": {"problem1": ANSWERS["problem1"]}, "change": _double_and_delete},
    "exits": {"answers": _only("problem2", "mean", "import sys\nsys.exit(0)")},
    "half": {"answers": {"problem2": ANSWERS["problem2"]}},
}


@pytest.fixture
def split_course(released_course: Path) -> Path:
    config = released_course / "nbgrader_config.py"
    config.write_text(config.read_text() + TWO_LINES)
    return released_course


def _scores(root: Path) -> dict[str, SubmissionScore]:
    return read_scores(Course(root), "ps1")


def _without_comments(score: SubmissionScore) -> dict[tuple[str, str], CellScore]:
    """For a missing notebook ours says "No response." where nbgrader says nothing."""
    return {key: replace(cell, comment="") for key, cell in score.cells.items()}


def _points(score: SubmissionScore) -> dict[str, float | None]:
    return {grade_id: cell.score for (_, grade_id), cell in score.cells.items()}


def _stock(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", "ps1", *options],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def _press_the_button(root: Path, student: str) -> dict[str, Any]:
    """What Formgrader's handler does, inside the server's running event loop."""
    app = NbGrader()
    app.load_cwd_config = False
    app.initialize([], root=str(root))

    async def handler() -> Any:
        return NbGraderAPI(app.coursedir, parent=app).autograde("ps1", student)

    with programs_on_path(), warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's own
        answer: dict[str, Any] = asyncio.run(handler())
    return answer


@pytest.mark.usefixtures("needs_bubblewrap")
def test_the_command_scores_as_the_grader_does(
    split_course: Path, copy_of: Callable[[Path, str], Path]
) -> None:
    for student, work in CLASS.items():
        submit(split_course, student, **work)
    (split_course / "submitted" / "half" / "ps1" / "problem1.ipynb").write_bytes(b"%PDF-1.7")
    stock = copy_of(split_course, "stock")
    done = _stock(stock)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "doubles problem1: The test cell test_sum was missing; it was put back." in done.stderr
    assert grade(Course(split_course), "ps1").faults == ()
    ours, theirs = _scores(split_course), _scores(stock)
    assert set(theirs) == set(CLASS)
    assert theirs["honest"] == ours["honest"]
    for student in CLASS:
        assert _without_comments(theirs[student]) == _without_comments(ours[student]), student
    tests = {name: _points(score) for name, score in theirs.items()}
    assert tests["honest"]["test_squares"] == 2
    for hostile in ("wrong", "shows-ok", "skips", "no-assert"):
        assert tests[hostile]["test_squares"] == 0, hostile
    assert tests["half"]["test_mean"] == 3
    assert tests["half"]["test_squares"] == 0

    # what `grader feedback` and `grader report` read is there as well
    course = Course(stock)
    graded = {each.student: each for each in load_graded(course, "ps1")}
    assert set(graded) == set(CLASS)
    run = grade(course, "ps1")
    assert run.graded == 0, "the same submissions are not run a second time"
    executed = stock / "autograded" / "honest" / "ps1" / "problem1.ipynb"
    nbformat.validate(nbformat.read(executed, as_version=4))


@pytest.mark.usefixtures("needs_bubblewrap")
def test_formgraders_button_scores_as_the_grader_does(
    split_course: Path, copy_of: Callable[[Path, str], Path]
) -> None:
    for student in ("honest", "no-assert"):
        submit(split_course, student, **CLASS[student])
    pressed = copy_of(split_course, "pressed")
    for student in ("honest", "no-assert"):
        answer = _press_the_button(pressed, student)
        assert answer["success"], answer
    grade(Course(split_course), "ps1")
    ours, theirs = _scores(split_course), _scores(pressed)
    for student in ("honest", "no-assert"):
        assert _without_comments(theirs[student]) == _without_comments(ours[student]), student


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Runs no notebook: notes its name, and lets every test pass."""
    ran: list[str] = []

    def run(name: str, notebook: Any, *_others: Any) -> Any:
        ran.append(name)
        return farm_job.unrun_result(name, notebook, "", Outcome.PASSED)

    monkeypatch.setattr(farm_job, "run_notebook", run)
    monkeypatch.setattr("grader.farm.job.examine_host", lambda: None)
    return ran


def test_each_notebook_runs_once(split_course: Path, counted: list[str]) -> None:
    submit(split_course, "ann")
    assert _press_the_button(split_course, "ann")["success"]
    assert counted == ["problem1", "problem2"]
    assert _press_the_button(split_course, "ann")["success"]
    assert counted == ["problem1", "problem2"] * 2, "the button always grades anew"


def test_scoring_of_grader_grade_runs_nothing(
    split_course: Path, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same configuration, read by `grader grade`, must not execute once more."""
    from grader.farm import grade as farm_grade_function

    submit(split_course, "ann")
    course = Course(split_course)
    assert course.config.Autograde.exporter_class == "grader.autograde.SubmissionExporter"

    module = sys.modules[farm_grade_function.__module__]
    monkeypatch.setattr("grader.farm.job.examine_host", lambda: None)

    def run(conditions: Any, submissions: Any, *_others: Any) -> Any:
        return (farm_job.grade_job(farm_job.read_job(conditions, each)) for each in submissions)

    monkeypatch.setattr(module, "_run", run)
    grade(course, "ps1")
    assert counted == ["problem1", "problem2"]
    assert _points(_scores(split_course)["ann"])["test_squares"] == 2


def test_a_fault_of_ours_is_no_zero(
    split_course: Path, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: Any) -> Any:
        raise SandboxError("The kernel did not answer: run `grader doctor`.")

    monkeypatch.setattr(farm_job, "run_notebook", broken)
    submit(split_course, "ann")
    answer = _press_the_button(split_course, "ann")
    assert answer["success"]
    assert "ann could not be graded through a fault of ours" in answer["log"]
    assert "The kernel did not answer: run `grader doctor`." in answer["log"]
    score = _scores(split_course)["ann"]
    tests = [cell for (_, name), cell in score.cells.items() if name.startswith("test_")]
    assert tests
    assert all(cell.score is None and cell.needs_manual for cell in tests)
    record = ResultStore(Course(split_course), "ps1").load("ann")
    assert record is not None
    assert record.fault, "so `grader grade` tries it again"


def test_where_nothing_can_be_isolated_nothing_is_touched(
    split_course: Path, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(split_course, "ann")
    assert _press_the_button(split_course, "ann")["success"]
    before = _scores(split_course)

    def none_here() -> None:
        raise SandboxUnavailable("Student code cannot be isolated here: install bubblewrap.")

    monkeypatch.setattr("grader.farm.job.examine_host", none_here)
    answer = _press_the_button(split_course, "ann")
    assert not answer["success"]
    assert "Student code cannot be isolated here" in answer["log"]
    assert _scores(split_course) == before
    assert (split_course / "autograded" / "ann" / "ps1" / "problem1.ipynb").exists()


def test_a_manual_grade_stays(split_course: Path, counted: list[str]) -> None:
    submit(split_course, "ann")
    _press_the_button(split_course, "ann")
    course = Course(split_course)
    with Gradebook(course.db_url, course.directory.course_id) as gradebook:
        gradebook.find_grade("test_sum", "problem1", "ps1", "ann").manual_score = 0.5
        gradebook.db.commit()
    _press_the_button(split_course, "ann")
    assert _points(_scores(split_course)["ann"])["test_sum"] == 0.5


def test_a_folder_that_names_no_student_stops_no_other(
    split_course: Path, counted: list[str]
) -> None:
    submit(split_course, "ann")
    submit(split_course, "!b")
    answer = _press_the_button(split_course, "*")
    assert not answer["success"]
    assert "'!b' cannot be a student's id" in answer["log"]
    assert _points(_scores(split_course)["ann"])["test_squares"] == 2


def test_no_execute_is_refused_in_words(split_course: Path, counted: list[str]) -> None:
    config = split_course / "nbgrader_config.py"
    config.write_text(config.read_text() + "c.Execute.enabled = False\n")
    submit(split_course, "ann")
    assert "--no-execute has no effect" in _press_the_button(split_course, "ann")["log"]
    assert counted == ["problem1", "problem2"]


class Own(Preprocessor):
    """An instructor's own step."""


def _steps(c: Config) -> list[Any]:
    return list(c.Autograde.autograde_preprocessors)


EXECUTION, SCORES = (f"grader.autograde.{k.__name__}" for k in (SplitExecution, SaveSplitOutcomes))


def test_the_steps_of_a_course_keep_their_places() -> None:
    c = Config()
    use_split(c)
    assert _steps(c)[0] == EXECUTION
    assert SCORES in _steps(c)
    assert not {Execute, SaveAutoGrades} & {each for each in _steps(c) if isinstance(each, type)}
    once = _steps(c)
    use_split(c)
    assert _steps(c) == once

    c = Config()
    c.Autograde.autograde_preprocessors = [
        Own,
        "nbgrader.preprocessors.Execute",
        SaveAutoGrades,
        LimitOutput,
    ]
    use_split(c)
    assert _steps(c) == [Own, EXECUTION, SCORES, LimitOutput]

    c = Config()
    c.Autograde.autograde_preprocessors.append(Own)
    use_split(c)
    assert _steps(c)[0] == EXECUTION
    assert _steps(c)[-1] is Own


def test_the_names_in_the_configuration_are_the_classes() -> None:
    c = Config()
    use_split(c)
    names = [c.Autograde.exporter_class, EXECUTION, SCORES]
    kinds = [SubmissionExporter, SplitExecution, SaveSplitOutcomes]
    assert [getattr(autograde, name.rpartition(".")[2]) for name in names] == kinds
