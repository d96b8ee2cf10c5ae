"""`papermill --engine split` from the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from grader.tests.split.notebooks import answer, check, notebook


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
    command = [str(Path(sys.executable).with_name("papermill")), "--engine", "split", "-p"]
    done = subprocess.run(
        [*command, "SEED", "5", "in.ipynb", "out.ipynb", "--no-progress-bar"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "PapermillExecutionError" in done.stderr, done.stderr
    executed = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert [(test.grade_id, test.outcome) for test in executed.metadata.grader.tests] == [
        ("right", "passed"),
        ("wrong", "failed"),
        ("forged", "errored"),
    ]
    assert executed.metadata.grader.tests[1].message == "SEED was injected"
