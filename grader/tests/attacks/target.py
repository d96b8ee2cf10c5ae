"""The assignment that is attacked: its hidden tests hold words and numbers that must not get out.

Every number is one that nobody can guess, so whoever earns points without the solution has read,
patched or fooled a test.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.course import Course
from grader.release import release_assignment
from grader.tests.attacks import data
from grader.tests.courses import KERNELSPEC

ASSIGNMENT = "target"
PREFIX = "quillvane-"
"""Begins each planted word, and no other word anywhere."""

WORDS = {
    place: f"{PREFIX}{place}-{mark}"
    for place, mark in {
        "test": "8d41c7",
        "label": "b05e92",
        "price": "5ad38e",
        "tensors": "44a7f0",
        "solution": "c96b13",
        "submission": "e21f58",
        "home": "7b3da6",
        "environment": "09cc4e",
        "log": "f58d27",
    }.items()
}
CONSTANT = 58.12700341
SCALED = (8.27509132, 1.61805517, 4.41285079)
READING = 31.41598037
FILLED = (77.02136641, 13.55710928, 90.64412375)
PRICES = (640.32110879, 271.80460913)
SHARES = (0.28104417, 0.91660523)
SLOPES = (3.90471265, 6.18820349, 2.55031788)
LAYER = (12.70915538, 85.31004427)
NUMBERS = (
    CONSTANT,
    *SCALED,
    READING,
    *FILLED,
    *SHARES,
    *SLOPES,
    *LAYER,
    *data.NUMBERS,
)
"""All planted numbers: each stands in a hidden test as it is printed here. Prices are none: a
student's function is given the function that tells them."""

CONFIG = """
c.Grader.workers = 2
c.Grader.cell_timeout = 5.0
c.Grader.notebook_timeout = 30.0
c.Grader.memory = "700M"
c.Grader.disk = "32M"
c.Grader.file_size = "16M"
c.Grader.output = "1M"
c.Grader.submission_size = "4M"
c.Execute.timeout = 5
"""

ANSWERS = {
    "numbers": {
        "constant": f"constant = {CONSTANT}",
        "scale": f"def scale(values):\n    return np.array({list(SCALED)})",
        "label": f"def label(n):\n    return {WORDS['label']!r}",
        "meter": (
            "class Meter:\n    def __init__(self, start):\n        self.reading = start\n"
            f"    def add(self, amount):\n        self.reading = {READING}"
        ),
        "fill": f"def fill(buffer):\n    buffer[:] = {list(FILLED)}",
        "apply": "def apply(function, items):\n    return sum(function(i) for i in items)",
        "share": f"def share(n):\n    return {SHARES[0]} if n == 4 else {SHARES[1]}",
        "total": "def total():\n    return float(np.loadtxt('data.csv').sum())",
        "even": "def even(n):\n    return n % 2 == 0",
    },
    "tensors": {
        "slope": (
            f"def slope(x):\n    return torch.tensor({list(SLOPES)}, dtype=torch.float64) + 0 * x"
        ),
        "layer": (
            "class Layer(torch.nn.Module):\n    def forward(self, x):\n"
            f"        return torch.tensor({list(LAYER)}, dtype=torch.float64)"
        ),
    },
    "data": data.ANSWERS,
}
"""Right answers, by notebook and grade_id of the answer cell."""

POINTS = {
    "test_constant": 2.0,
    "test_scale": 3.0,
    "test_label": 2.0,
    "test_meter": 2.0,
    "test_fill": 1.0,
    "test_apply": 2.0,
    "test_share": 3.0,
    "test_total": 1.0,
    "test_even": 1.0,
    "test_slope": 3.0,
    "test_layer": 2.0,
    **data.POINTS,
}

HALF = {
    "numbers": {
        **ANSWERS["numbers"],
        "scale": "def scale(values):\n    return values",
        "label": "def label(n):\n    return 1 / 0",
        "share": f"def share(n):\n    return {SHARES[0]}",
        "fill": "def fill(buffer):\n    buffer = [0]",
    }
}
"""The work of an honest student who is right in part."""

HALF_POINTS = {
    **dict.fromkeys(POINTS, 0.0),
    "test_constant": 2.0,
    "test_meter": 2.0,
    "test_apply": 2.0,
    "test_share": 1.5,
    "test_total": 1.0,
    "test_even": 1.0,
}


def make_target(root: Path, config: str = CONFIG) -> Path:
    """Write the course with its one assignment under `root`, and release it."""
    source = root / "source" / ASSIGNMENT
    source.mkdir(parents=True)
    (root / "nbgrader_config.py").write_text(f"c = get_config()\n{config}", encoding="utf-8")
    (source / "data.csv").write_text("1.25\n2.5\n7.75\n", encoding="utf-8")
    nbformat.write(_numbers(), source / "numbers.ipynb")
    nbformat.write(_tensors(), source / "tensors.ipynb")
    nbformat.write(_data(), source / "data.ipynb")
    release_assignment(Course(root), ASSIGNMENT)
    return root


def _code(grade_id: str, source: str, **settings: Any) -> nbformat.NotebookNode:
    flags = {"grade": False, "solution": False, "locked": False, "task": False}
    mark = {"schema_version": 3, "grade_id": grade_id, **flags, **settings}
    return new_code_cell(source, metadata={"nbgrader": mark})


def _answer(notebook: str, grade_id: str) -> nbformat.NotebookNode:
    solution = f"# {WORDS['solution']}\n{ANSWERS[notebook][grade_id]}"
    source = f"### BEGIN SOLUTION\n{solution}\n### END SOLUTION"
    return _code(grade_id, source, solution=True)


def _test(grade_id: str, hidden: str, visible: str = "") -> nbformat.NotebookNode:
    source = f"{visible}\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS".lstrip()
    return _code(grade_id, source, grade=True, locked=True, points=POINTS[grade_id])


def _notebook(*cells: nbformat.NotebookNode) -> nbformat.NotebookNode:
    metadata = {"kernelspec": KERNELSPEC}
    return new_notebook(cells=[new_markdown_cell("# Target"), *cells], metadata=metadata)


def _numbers() -> nbformat.NotebookNode:
    setup = "import numpy as np\nfrom numpy.testing import assert_allclose"
    return _notebook(
        _code("setup", setup, locked=True),
        _answer("numbers", "constant"),
        _test(
            "test_constant",
            f"canary = {WORDS['test']!r}\nassert isinstance(constant, float)\n"
            f"assert abs(constant - {CONSTANT}) < 1e-9",
        ),
        _answer("numbers", "scale"),
        _test(
            "test_scale",
            f"expected = np.array({list(SCALED)})\n"
            "assert_allclose(scale(np.array([0.5, 1.5, 2.5])), expected, rtol=1e-6)",
        ),
        _answer("numbers", "label"),
        _test("test_label", f"word = {WORDS['label']!r}\nassert label(3) == word"),
        _answer("numbers", "meter"),
        _test(
            "test_meter",
            "meter = Meter(2.0)\nmeter.add(3.0)\nassert type(meter.reading) is float\n"
            f"assert meter.reading == {READING}",
        ),
        _answer("numbers", "fill"),
        _test(
            "test_fill",
            f"target = np.array({list(FILLED)})\nbuffer = np.zeros(3)\nfill(buffer)\n"
            "assert_allclose(buffer, target)",
        ),
        _answer("numbers", "apply"),
        _test(
            "test_apply",
            f"table = {{'a': {PRICES[0]}, 'b': {PRICES[1]}}}\n\n"
            f"def price(item):\n    note = {WORDS['price']!r}\n    return note and table[item]\n\n"
            "found = apply(price, ['a', 'b', 'b']), apply(double, [1, 2])\n"
            f"assert found == ({PRICES[0]} + {PRICES[1]} + {PRICES[1]}, 6)",
            "def double(n):\n    return 2 * n\n\n",
        ),
        _answer("numbers", "share"),
        _test(
            "test_share",
            "from math import isclose\nfrom markupsafe import escape\n\n"
            "escape('share')\n"
            f"1.5 * isclose(share(4), {SHARES[0]}) + 1.5 * isclose(share(9), {SHARES[1]})",
        ),
        _answer("numbers", "total"),
        _test("test_total", "assert abs(total() - np.loadtxt('data.csv').sum()) < 1e-9"),
        _answer("numbers", "even"),
        _test(
            "test_even",
            "assert all(map(bool, map(even, [2, 4, 6])))\n"
            "assert not any(map(bool, map(even, [1, 3])))",
        ),
    )


def _tensors() -> nbformat.NotebookNode:
    return _notebook(
        _code("setup", "import torch", locked=True),
        _answer("tensors", "slope"),
        _test(
            "test_slope",
            f"canary = {WORDS['tensors']!r}\n"
            f"expected = torch.tensor({list(SLOPES)}, dtype=torch.float64)\n"
            "x = torch.ones(3, dtype=torch.float64)\nassert torch.allclose(slope(x), expected)",
        ),
        _answer("tensors", "layer"),
        _test(
            "test_layer",
            f"wanted = torch.tensor({list(LAYER)}, dtype=torch.float64)\n"
            "assert torch.equal(Layer()(x), wanted)",
        ),
    )


def _data() -> nbformat.NotebookNode:
    def step(name: str) -> tuple[nbformat.NotebookNode, nbformat.NotebookNode]:
        return _answer("data", name), _test(f"test_{name}", data.TESTS[f"test_{name}"])

    given = {"setup": data.SETUP, "table": data.TABLE, "agree": data.AGREE, "seal": data.SEAL}
    return _notebook(
        *(_code(name, source, locked=True) for name, source in given.items()),
        *step("level"),
        _code("rates", data.RATES, locked=True),
        *(cell for name in data.ANSWERS if name != "level" for cell in step(name)),
    )
