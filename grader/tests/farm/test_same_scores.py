"""On an ordinary nbgrader course, honest submissions get the scores that stock nbgrader gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from grader.course import Course
from grader.farm import grade
from grader.scoring import CellScore, SubmissionScore, read_scores
from grader.tests.courses import ANSWERS, changed, submit


def _insert_own_cells(name: str, notebook: nbformat.NotebookNode) -> None:
    notebook.cells.insert(3, new_markdown_cell("My notes"))
    notebook.cells.insert(4, new_code_cell("scratch = 1\nprint(scratch)\nscratch"))


def _move_answer_to_own_cell(name: str, notebook: nbformat.NotebookNode) -> None:
    for at, cell in enumerate(list(notebook.cells)):
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "sum_of_squares":
            notebook.cells.insert(at, new_code_cell(cell.source))
            cell.source = "# see above"


HONEST: dict[str, dict[str, Any]] = {
    "all-right": {},
    "one-wrong": {"answers": changed("problem1", "squares", "def squares(n):\n    return [1]")},
    "half-credit": {
        "answers": changed("problem1", "sum_of_squares", "def sum_of_squares(n):\n    return 5")
    },
    "error-in-class": {"answers": changed("problem2", "counter", "class Counter: pass")},
    "syntax-error": {"answers": changed("problem2", "mean", "def mean(rows) return 4")},
    "nothing-done": {"answers": {"problem1": {}, "problem2": {}}},
    "own-cells": {"change": _insert_own_cells},
    "moved-answer": {"change": _move_answer_to_own_cell},
    "one-notebook": {"answers": {"problem1": ANSWERS["problem1"]}},
}


def _without_comments(score: SubmissionScore) -> dict[tuple[str, str], CellScore]:
    """For a missing notebook ours says "No response." where nbgrader says nothing."""
    return {key: replace(cell, comment="") for key, cell in score.cells.items()}


def _scores(root: Path) -> dict[str, SubmissionScore]:
    return read_scores(Course(root), "ps1")


@pytest.mark.usefixtures("needs_bubblewrap")
def test_honest_submissions_score_as_with_stock_nbgrader(
    released_course: Path, copy_of: Callable[[Path, str], Path]
) -> None:
    for student, work in HONEST.items():
        submit(released_course, student, **work)
    stock = copy_of(released_course, "stock")
    _stock_autograde(stock)
    run = grade(Course(released_course), "ps1")
    assert (run.graded, run.faults) == (len(HONEST), ())
    ours, theirs = _scores(released_course), _scores(stock)
    assert set(ours) == set(HONEST)
    for student, expected in theirs.items():
        assert _without_comments(ours[student]) == _without_comments(expected), student


@pytest.mark.usefixtures("needs_bubblewrap")
def test_a_warning_is_no_failure_and_a_forged_output_no_pass(released_course: Path) -> None:
    """Two faults of stock nbgrader: stderr costs all points, an early result earns them."""
    warn = "import warnings\n\ndef squares(n):\n    warnings.warn('slow')\n    if n < 1:\n"
    warn += "        raise ValueError\n    return [i ** 2 for i in range(1, n + 1)]"
    submit(released_course, "warns", changed("problem1", "squares", warn))
    forge = "import sys\n\ndef squares(n):\n    sys.displayhook('ok')\n    return []"
    submit(released_course, "forges", changed("problem1", "squares", forge))
    grade(Course(released_course), "ps1")
    scores = _scores(released_course)
    assert scores["warns"].cells["problem1", "test_squares"].score == 2
    assert scores["forges"].cells["problem1", "test_squares"].score == 0


def _stock_autograde(root: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", "ps1"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, json.dumps(done.stderr[-2000:])
