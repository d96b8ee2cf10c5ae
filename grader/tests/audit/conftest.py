"""A small course with text sources: one assignment of two steps, both catalogues."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jupytext
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from grader.course import Course

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}

CLAMP = '''def clamp(x, low):
    """Return x, but at least low."""
    ### BEGIN SOLUTION
    if x < low:
        return low
    return x
    ### END SOLUTION
'''
TEST_CLAMP = """assert clamp(1, 3) == 3
### BEGIN HIDDEN TESTS
for x in range(-2, 3):
    assert clamp(x, 0) == max(x, 0)
### END HIDDEN TESTS
"""
TOTAL = '''def total(values):
    """Return the sum of a list of numbers."""
    ### BEGIN SOLUTION
    result = 0
    for value in values:
        result += value
    return result
    ### END SOLUTION
'''
TEST_TOTAL = """assert total([]) == 0
### BEGIN HIDDEN TESTS
import random
rng = random.Random(SEED)
values = [rng.randint(2, 9) for _ in range(5)]
assert total(values) == sum(values)
### END HIDDEN TESTS
"""
WRONG = '''def clamp__takes_the_smaller(x, low):
    """You take the smaller number."""
    return low if x > low else x


def total__forgets_the_first(values):
    """You leave out the first value."""
    return sum(values[1:])
'''
RIGHT = '''def clamp__by_max(x, low):
    """Uses max."""
    return max(x, low)


def total__by_sum(values):
    """Uses sum."""
    return sum(values)
'''


def cell(grade_id: str, source: str, points: int | None = None, *, solution: bool = False):
    settings = {
        "grade_id": grade_id,
        "grade": points is not None,
        "solution": solution,
        "locked": not solution,
        "schema_version": 3,
        "task": False,
    }
    if points is not None:
        settings["points"] = points
    metadata = {"nbgrader": settings}
    if grade_id == "parameters":
        metadata["tags"] = ["parameters"]
    return new_code_cell(source, metadata=metadata)


def two_steps(**sources: str) -> NotebookNode:
    """The notebook of the course, with other sources for some of its cells."""
    cells = [
        cell("parameters", "SEED = 0"),
        cell("clamp", CLAMP, solution=True),
        cell("test_clamp", TEST_CLAMP, 2),
        cell("total", TOTAL, solution=True),
        cell("test_total", TEST_TOTAL, 3),
    ]
    for each in cells:
        each.source = sources.get(each.metadata.nbgrader.grade_id, each.source)
    return new_notebook(cells=cells, metadata={"kernelspec": KERNEL})


@pytest.fixture
def make_course(tmp_path: Path) -> Callable[..., Course]:
    """Makes the course, with other texts for some cells and some files beside the notebook."""

    def make(files: dict[str, str] | None = None, **sources: str) -> Course:
        home = tmp_path / "solutions" / "tiny"
        home.mkdir(parents=True)
        (home / "tiny.md").write_text(jupytext.writes(two_steps(**sources), fmt="md:myst"))
        written = {"misconceptions.py": WRONG, "alternatives.py": RIGHT} | (files or {})
        for name, text in written.items():
            (home / name).write_text(text)
        settings = ["solutions_directory = 'solutions'", "pages_directory = 'pages'"]
        lines = "\n".join(f"c.Grader.{line}" for line in settings)
        (tmp_path / "nbgrader_config.py").write_text(
            f"c = get_config()\n{lines}\nc.CourseDirectory.source_directory = 'made'\n"
        )
        return Course(tmp_path)

    return make
