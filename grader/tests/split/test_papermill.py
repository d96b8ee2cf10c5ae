"""`papermill --engine split` from the command line."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from grader.course import Course
from grader.farm import SubmissionRecord, grade
from grader.split import Outcome
from grader.split.engine import OWN_TEMPLATE
from grader.tests.courses import changed, submit
from grader.tests.split.notebooks import answer, check, notebook


def papermill(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command on in.ipynb in `folder`; it writes out.ipynb."""
    command = [str(Path(sys.executable).with_name("papermill")), "--engine", "split"]
    return subprocess.run(
        [*command, *arguments, "in.ipynb", "out.ipynb", "--no-progress-bar"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def outcomes(folder: Path) -> dict[str, str]:
    """What the notebook that papermill wrote says of its tests."""
    tests = nbformat.read(folder / "out.ipynb", as_version=4).metadata.grader.tests
    return {test.grade_id: test.outcome for test in tests}


@pytest.mark.usefixtures("needs_bubblewrap")
def test_outcomes_are_in_the_metadata_of_the_notebook_that_papermill_writes(tmp_path: Path) -> None:
    work = notebook(
        answer("SEED = 0", tags=("parameters",)),
        answer("import sys\ndef forge():\n    sys.displayhook('ok')\n    undefined"),
        check("right", "assert SEED == 5"),
        check("wrong", "assert SEED == 0, 'SEED was injected'"),
        check("forged", "forge()"),
    )
    nbformat.write(work, tmp_path / "in.ipynb")
    done = papermill(tmp_path, "-p", "SEED", "5")
    assert "PapermillExecutionError" in done.stderr, done.stderr
    assert outcomes(tmp_path) == {"right": "passed", "wrong": "failed", "forged": "errored"}
    executed = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert executed.metadata.grader.tests[1].message == "SEED was injected"


@pytest.mark.usefixtures("needs_bubblewrap")
def test_a_notebook_given_to_papermill_is_its_own_template(
    released_course: Path, tmp_path: Path
) -> None:
    """A hidden test that is not in it is not run, an edited one is not put back, and it says so."""

    def make_easy(name: str, work: nbformat.NotebookNode) -> None:
        for cell in work.cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == "test_squares_raises":
                cell.source = "assert True"

    answers = changed("problem1", "sum_of_squares", "def sum_of_squares(n):\n    return 0 * n")
    answers["problem1"]["squares"] = "def squares(n):\n    return [i ** 2 for i in range(1, n + 1)]"
    submit(released_course, "ann", answers, make_easy)
    folder = released_course / "submitted" / "ann" / "ps1"
    shutil.copy(folder / "problem1.ipynb", tmp_path / "in.ipynb")
    done = papermill(tmp_path)
    assert OWN_TEMPLATE in done.stderr
    alone = outcomes(tmp_path)
    records: list[SubmissionRecord] = []
    run = grade(Course(released_course), "ps1", workers=1, on_record=records.append)
    assert run.graded == 1
    graded = {test.grade_id: test.outcome.value for test in records[0].results[0].tests}
    lost = {name for name in alone if alone[name] != graded[name]}
    assert lost == {"test_squares_raises", "test_sum"}
    assert all(alone[name] == Outcome.PASSED.value for name in lost)


@pytest.mark.usefixtures("needs_bubblewrap")
def test_a_notebook_without_tests_needs_no_warning(tmp_path: Path) -> None:
    nbformat.write(notebook(answer("x = 1")), tmp_path / "in.ipynb")
    done = papermill(tmp_path)
    assert done.returncode == 0
    assert OWN_TEMPLATE not in done.stderr
