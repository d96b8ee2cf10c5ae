"""Grading without workers and kernels, for tests of what goes on around them."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from typing import Any

import nbformat
import pytest

from grader.farm.cluster import Farm
from grader.split import NotebookResult, Outcome, TestResult
from grader.split.recorder import test_ids as ids_of_tests

MAIN_PATH = importlib.import_module("grader.farm.grade")  # the function has the module's name


class Inline:
    """Runs jobs in this process and passes every test; counts what was run.

    Attributes:
        ran: the notebooks that were run, by name, in order.
        clusters: how many were started.
        before_run: called before each run, with the notebook's name.
    """

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.clusters = 0
        self.before_run: Callable[[str], None] = lambda name: None

    @contextlib.contextmanager
    def farm(self, scheduler: str, **_options: Any) -> Iterator[Any]:
        self.clusters += 1
        yield Farm(None)

    def run_tasks(
        self, client: None, work: Any, tasks: Any, *, stopped: Any, **_options: Any
    ) -> Iterator[tuple[Any, Any]]:
        for task in tasks:
            if stopped():
                raise KeyboardInterrupt
            try:
                yield task, work(task)
            except Exception as error:
                yield task, error

    def run_notebook(
        self, name: str, notebook: nbformat.NotebookNode, *_options: Any
    ) -> NotebookResult:
        self.before_run(name)
        self.ran.append(name)
        tests = tuple(TestResult(grade_id, Outcome.PASSED) for grade_id in ids_of_tests(notebook))
        return NotebookResult(name, tests, (), dict(notebook))


def install(patch: pytest.MonkeyPatch) -> Inline:
    """Put an `Inline` in place of cluster and kernels."""
    inline = Inline()
    patch.setattr(MAIN_PATH, "open_farm", inline.farm)
    patch.setattr(MAIN_PATH, "run_tasks", inline.run_tasks)
    patch.setattr("grader.farm.job.examine_host", lambda: None)
    patch.setattr("grader.farm.job.run_notebook", inline.run_notebook)
    return inline
