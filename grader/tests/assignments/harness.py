"""Runs an assignment's notebook in this process and counts its points: no kernel, no nbgrader.

It trusts the code it runs, so it is for the instructor's own text sources only.
"""

from __future__ import annotations

import contextlib
import io
import signal
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import jupytext
import matplotlib as mpl
import matplotlib.pyplot as plt
import torch
from nbformat import NotebookNode

import grader
from grader.audit.variants import KINDS, Variant, load_catalogue, steps_of

SOLUTIONS = Path(grader.__file__).parents[1] / "solutions"
ASSIGNMENTS = sorted(path.name for path in SOLUTIONS.iterdir() if path.is_dir())
CELL_LIMIT = 20.0
"""Seconds of this process's own CPU time, so that a busy machine fails no cell."""

mpl.use("agg")
torch.set_num_threads(1)  # as in a graded kernel; imported here so that no cell pays for it


class CellTimeout(BaseException):
    """A cell ran for too long. Not an Exception, so that no cell catches it by accident."""


class Score(NamedTuple):
    """What a notebook earned, by the grade_id of the solution cell."""

    points: dict[str, float]
    errors: dict[str, str]
    """The last line of each failed test cell's traceback."""


@cache
def reference(slug: str) -> NotebookNode:
    """The notebook of an assignment's text source, with what `include` cells ask for."""
    notebook = jupytext.read(SOLUTIONS / slug / f"{slug}.md")
    for cell in notebook.cells:
        included = cell.metadata.get("grader", {}).get("include")
        if included:
            cell.source = Path(grader.__file__).with_name(f"{included}.py").read_text()
    return notebook


@cache
def catalogue(slug: str) -> tuple[Variant, ...]:
    """All misconceptions and alternatives of an assignment."""
    return tuple(v for name in KINDS for v in load_catalogue(SOLUTIONS / slug / name))


def score(notebook: NotebookNode, *, seed: int, to_the_end: bool = False) -> Score:
    """Run `notebook` with SEED = seed.

    A test cell that raises gives no points. What comes after the last test cell earns nothing and
    runs only `to_the_end`. An exception in an instructor's cell is raised; one in a cell that a
    student writes is not, since tests must cope with it.
    """
    steps = {step.test_id: step for step in steps_of(notebook)}
    result = Score({}, {})
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for cell in notebook.cells:
        settings = cell.metadata.get("nbgrader", {})
        grade_id = settings.get("grade_id", "a cell without grade_id")
        if cell.cell_type != "code" or (len(result.points) == len(steps) and not to_the_end):
            continue
        code = compile(cell.source, grade_id, "exec")
        if grade_id in steps:
            step = steps[grade_id]
            error = _error(code, namespace)
            result.points[step.solution_id] = 0.0 if error else step.points
            if error:
                result.errors[step.solution_id] = error
        elif settings.get("solution"):
            _error(code, namespace)
        else:
            _run(code, namespace)
        if "parameters" in cell.metadata.get("tags", []):
            namespace["SEED"] = seed
    plt.close("all")
    return result


def _error(code: Any, namespace: dict[str, Any]) -> str:
    """Run `code`; return what it raised in one line, or an empty string."""
    try:
        _run(code, namespace)
    except (Exception, CellTimeout) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _run(code: Any, namespace: dict[str, Any]) -> None:
    with _time_limit(CELL_LIMIT), contextlib.redirect_stdout(io.StringIO()):
        exec(code, namespace)


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise CellTimeout

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
