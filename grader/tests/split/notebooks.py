"""Small clean notebooks for tests of execution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.course import Limits
from grader.sandbox import SandboxMode, SandboxPolicy
from grader.split import NotebookResult, Outcome, TestResult, run_notebook

LIMITS = Limits(cell_timeout=4.0, notebook_timeout=60.0, startup_timeout=120.0, memory=2**29)
KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}


def answer(source: str, tags: tuple[str, ...] = ()) -> nbformat.NotebookNode:
    """A cell of the student's own."""
    return new_code_cell(source, metadata={"tags": list(tags)} if tags else {})


def check(name: str, source: str, points: float = 2) -> nbformat.NotebookNode:
    """An autograded test cell, the instructor's, which runs in the test kernel."""
    return _marked(name, source, grade=True, locked=True, points=points)


def given(name: str, source: str) -> nbformat.NotebookNode:
    """A cell of the instructor's that students cannot change, such as imports and helpers."""
    return _marked(name, source, grade=False, locked=True)


def solution(name: str, source: str) -> nbformat.NotebookNode:
    """A cell that the student is to fill in."""
    return _marked(name, source, grade=False, solution=True)


def _marked(name: str, source: str, **marks: Any) -> nbformat.NotebookNode:
    mark = {"schema_version": 3, "grade_id": name, "solution": False, "locked": False}
    mark |= {"task": False, "cell_type": "code", **marks}
    return new_code_cell(source, metadata={"nbgrader": mark})


def notebook(*cells: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A notebook of these cells, with some Markdown in front."""
    metadata = {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}}
    return new_notebook(cells=[new_markdown_cell("# Work"), *cells], metadata=metadata)


def run(
    *cells: nbformat.NotebookNode,
    mode: SandboxMode = SandboxMode.BUBBLEWRAP,
    policy: SandboxPolicy | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> NotebookResult:
    """Run a notebook of these cells under `LIMITS`."""
    return run_notebook(
        "work", notebook(*cells), policy or SandboxPolicy(limits=LIMITS), mode, parameters
    )


def outcomes(result: NotebookResult) -> dict[str, Outcome]:
    """Outcome of each test, by name."""
    return {test.grade_id: test.outcome for test in result.tests}


def named(result: NotebookResult, name: str) -> TestResult:
    """The result of one test."""
    return next(test for test in result.tests if test.grade_id == name)
