"""An nbgrader course in nbgrader's own style, for tests: two notebooks, every kind of cell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}

ANSWERS = {
    "problem1": {
        "squares": (
            "def squares(n):\n    if n < 1:\n        raise ValueError('n')\n"
            "    return [i ** 2 for i in range(1, n + 1)]"
        ),
        "sum_of_squares": "def sum_of_squares(n):\n    return sum(squares(n))",
        "plot": "fig, ax = plt.subplots()\nax.plot([1, 2, 3], squares(3))\nax.set_xlabel('n')",
        "equation": "$\\sum_{i=1}^n i^2$",
    },
    "problem2": {
        "mean": "def mean(rows):\n    return sum(float(r['b']) for r in rows) / len(rows)",
        "counter": (
            "class Counter:\n    def __init__(self):\n        self.n = 0\n"
            "    def add(self):\n        self.n += 1\n        return self.n"
        ),
        "prose": "Because the mean minimises the squared error.",
        "code_by_hand": "print('my own experiment')",
    },
}
"""Right answers by notebook and grade_id; the last of each notebook are graded by a person."""


def make_course(root: Path, config: str = "") -> Path:
    """Write a course with the assignment ps1 (its source only) under `root`; returns `root`.

    Args:
        root: made where it does not exist.
        config: lines for nbgrader_config.py.
    """
    source = root / "source" / "ps1"
    source.mkdir(parents=True)
    (root / "nbgrader_config.py").write_text(f"c = get_config()\n{config}\n", encoding="utf-8")
    (source / "data.csv").write_text("a,b\n1,2\n3,6\n", encoding="utf-8")
    nbformat.write(_problem1(), source / "problem1.ipynb")
    nbformat.write(_problem2(), source / "problem2.ipynb")
    return root


def submit(
    root: Path,
    student: str,
    answers: Mapping[str, Mapping[str, str]] = ANSWERS,
    change: Any = None,
) -> None:
    """Hand in ps1 for `student`: the released notebooks with answer cells filled in.

    Args:
        root: a course whose ps1 is released.
        student: the student's id.
        answers: by notebook and grade_id; a notebook that is left out is not handed in.
        change: called with each notebook's name and the notebook, for other changes.
    """
    folder = root / "submitted" / student / "ps1"
    folder.mkdir(parents=True)
    (folder / "data.csv").write_text("a,b\n1,2\n3,6\n", encoding="utf-8")
    for name, chosen in answers.items():
        notebook = nbformat.read(root / "release" / "ps1" / f"{name}.ipynb", as_version=4)
        for cell in notebook.cells:
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
            cell.source = chosen.get(grade_id, cell.source)
        if change is not None:
            change(name, notebook)
        nbformat.write(notebook, folder / f"{name}.ipynb")


def changed(notebook: str, grade_id: str, source: str) -> dict[str, dict[str, str]]:
    """The right answers but for one cell."""
    return {
        name: {**cells, grade_id: source} if name == notebook else dict(cells)
        for name, cells in ANSWERS.items()
    }


def _cell(grade_id: str, source: str, **settings: Any) -> nbformat.NotebookNode:
    flags = {"grade": False, "solution": False, "locked": False, "task": False}
    mark = {"schema_version": 3, "grade_id": grade_id, **flags, **settings}
    return new_code_cell(source, metadata={"nbgrader": mark})


def _written(grade_id: str, source: str, **settings: Any) -> nbformat.NotebookNode:
    return new_markdown_cell(source, metadata=_cell(grade_id, "", **settings).metadata)


def _solution(grade_id: str, head: str, body: str) -> nbformat.NotebookNode:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    source = f"{head}\n    ### BEGIN SOLUTION\n{lines}    ### END SOLUTION"
    return _cell(grade_id, source, solution=True)


def _test(grade_id: str, points: float, source: str, hidden: str = "") -> nbformat.NotebookNode:
    if hidden:
        source += f"\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS"
    return _cell(grade_id, source, grade=True, locked=True, points=points)


def _problem1() -> nbformat.NotebookNode:
    cells = [
        new_markdown_cell("# Problem 1\n\nSums of squares."),
        _cell("imports", "%matplotlib inline\nimport matplotlib.pyplot as plt", locked=True),
        new_markdown_cell("## Part A: squares"),
        _solution(
            "squares",
            'def squares(n):\n    """The squares of 1 to n."""',
            "if n < 1:\n    raise ValueError('n')\nreturn [i ** 2 for i in range(1, n + 1)]",
        ),
        _test("test_squares", 2, "assert squares(1) == [1]", "assert squares(4) == [1, 4, 9, 16]"),
        _test(
            "test_squares_raises",
            1,
            "try:\n    squares(0)\nexcept ValueError:\n    pass\n"
            "else:\n    raise AssertionError('squares(0) must raise ValueError')",
        ),
        _solution("sum_of_squares", "def sum_of_squares(n):", "return sum(squares(n))"),
        _test("test_sum", 2, "", "assert sum_of_squares(3) == 14, 'wrong sum of squares'"),
        _test("partial_sum", 3, "3 * (sum_of_squares(2) == 5)", "1.5 * (sum_of_squares(3) == 14)"),
        _cell(
            "plot",
            "# draw\n### BEGIN SOLUTION\nfig, ax = plt.subplots()\nax.plot([1], [1])\n"
            "ax.set_xlabel('n')\n### END SOLUTION",
            solution=True,
        ),
        _test("test_plot", 1, "assert ax.get_xlabel() == 'n'"),
        new_markdown_cell("## Part B: write it down"),
        _written("equation", "YOUR FORMULA", grade=True, solution=True, points=2),
    ]
    return new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC})


def _problem2() -> nbformat.NotebookNode:
    cells = [
        new_markdown_cell("# Problem 2"),
        _cell(
            "read",
            "import csv\nwith open('data.csv') as file:\n    rows = list(csv.DictReader(file))",
            locked=True,
        ),
        _solution("mean", "def mean(rows):", "return sum(float(r['b']) for r in rows) / len(rows)"),
        _test("test_mean", 3, "assert mean(rows) == 4"),
        _solution(
            "counter",
            "class Counter:",
            "def __init__(self):\n    self.n = 0\n"
            "def add(self):\n    self.n += 1\n    return self.n",
        ),
        _cell(
            "helper",
            "def count(n):\n    c = Counter()\n    return [c.add() for _ in range(n)]",
            locked=True,
        ),
        _test("test_counter", 2, "assert count(3) == [1, 2, 3]", "assert Counter().n == 0"),
        _written("prose", "YOUR ANSWER HERE", grade=True, solution=True, points=4),
        _cell("code_by_hand", "# your experiment", grade=True, solution=True, points=2),
        _written("task", "Draw something.\n", task=True, locked=True, points=1),
    ]
    return new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC})
