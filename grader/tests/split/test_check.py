"""A student's own check of a released notebook."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from grader.errors import IntakeError
from grader.sandbox import SandboxMode
from grader.split import CheckResult, Outcome, check_notebook
from grader.tests.courses import ANSWERS

Change = Callable[[nbformat.NotebookNode], object]


def _checked(course: Path, name: str, change: Change = lambda _: None) -> CheckResult:
    path = course / "release" / "ps1" / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    path.chmod(0o644)
    nbformat.write(notebook, path)
    before = path.read_bytes()
    result = check_notebook(path, SandboxMode.NONE)
    assert path.read_bytes() == before, "a check leaves the student's file alone"
    return result


def _fill(name: str) -> Change:
    def fill(notebook: nbformat.NotebookNode) -> None:
        for cell in notebook.cells:
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
            cell.source = ANSWERS[name].get(grade_id, cell.source)

    return fill


def test_the_released_stub_fails_its_visible_tests(released_course: Path) -> None:
    result = _checked(released_course, "problem1")
    assert not result.passed
    assert result.problems == ()
    # what no visible test asks for passes: hidden tests decide
    assert {t.grade_id for t in result.result.tests if t.outcome is not Outcome.PASSED} == {
        "test_squares",
        "test_squares_raises",
        "partial_sum",
        "test_plot",
    }


def test_right_answers_pass_and_data_files_are_there(released_course: Path) -> None:
    result = _checked(released_course, "problem2", _fill("problem2"))
    assert result.passed
    assert result.problems == ()


def test_an_edited_test_cell_is_noted(released_course: Path) -> None:
    def cheat(notebook: nbformat.NotebookNode) -> None:
        _fill("problem2")(notebook)
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == "test_mean":
                cell.source = "assert True"

    result = _checked(released_course, "problem2", cheat)
    assert result.passed
    assert result.problems == (
        "You changed the cell test_mean, which belongs to the assignment; "
        "grading uses the original.",
    )


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("none.ipynb", None, "There is no notebook at"),
        ("work.txt", b"{}", "There is no notebook at"),
        ("empty.ipynb", b"", "The file is empty"),
        ("essay.ipynb", b"%PDF", "its text is not JSON"),
        ("plain.ipynb", nbformat.writes(nbformat.v4.new_notebook()).encode(), "has no test cells"),
        ("list.ipynb", b"[1]", "JSON but not a notebook"),
        ("bad.ipynb", b'{"nbformat": 4, "cells": [{"cell_type": "code"}]}', "cannot be used"),
        ("old.ipynb", b'{"nbformat": 2, "worksheets": 3}', "cannot be read"),
        (
            "odd.ipynb",
            b'{"nbformat": 4, "nbformat_minor": 5, "metadata": [], "cells": [{"cell_type": '
            b'"code", "source": "", "metadata": {"nbgrader": {"grade_id": "a", "grade": true, '
            b'"solution": false, "points": "many"}}}]}',
            "cannot be used",
        ),
    ],
)
def test_what_is_no_released_notebook_gets_a_sentence(
    tmp_path: Path, name: str, content: bytes | None, sentence: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(IntakeError, match=sentence) as caught:
        check_notebook(path, SandboxMode.NONE)
    assert "\n" not in str(caught.value)
