"""Nothing that a submission says changes what the test kernel is told."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from grader.intake import clean_notebook
from grader.release import NotebookTemplate, TemplateCell
from grader.release.names import LONGEST, strangers_names
from grader.split.plan import IN_ALL, NotebookPlan, make_plan
from grader.tests.split import notebooks as nb

PARAMETERS = nb.given("parameters", "SEED = 0")
PARAMETERS.metadata["tags"] = ["parameters"]
LOOSE = nb.given("loose", "table = []")
LOOSE.metadata["nbgrader"]["locked"] = False
CELLS = [
    PARAMETERS,
    nb.given("setup", "import math\nimport numpy as np\nresult = None\ntable = [1]"),
    LOOSE,
    nb.given("helper", "def check_it(value):\n    assert value == hidden_table[0]"),
    nb.solution("f", "def f(x):\n    raise NotImplementedError()"),
    nb.given("show", "print(f(result), table)"),
    nb.check("test_f", "value = f(1)\n### BEGIN HIDDEN TESTS\nassert value\n### END HIDDEN TESTS"),
    nb.given("data", "hidden_table = [2]\nscale = 5"),
    nb.solution("r", "# YOUR CODE HERE"),
    nb.check("test_r", "check_it(result)\nfor each in table:\n    assert each * scale\ndel each"),
    nb.check("test_marked", "### GRADER: ANSWER KERNEL\nassert value"),
    nb.solution("sum", "def sum(x):\n    return 0"),
    nb.check("test_sum", "assert sum([1]) == 1 and each_of(table)"),
    nb.given("end", "print(value)"),
]
SOLVED = [cell.copy() for cell in CELLS]
for solved, text in ((4, "def f(x):\n    return x"), (8, "result = 2\ntable.append(3)")):
    SOLVED[solved].source = text
KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}
BARE = NotebookTemplate("work", tuple(map(TemplateCell.of, CELLS)), KERNELSPEC)
TEMPLATES = {"with the source": BARE.informed(SOLVED), "without": BARE.informed([])}

SOURCES = st.sampled_from(
    [
        "",
        "SEED = np = check_it = hidden_table = scale = value = result = each = table = 0",
        "def check_it(value): pass\ndef f(x): pass",
        "import json as math\nfrom os import *\nclass check_it: pass",
        "value, table = 1, value\nglobals().update(scale=1)",
        "### GRADER: ANSWER KERNEL\nf = 1",
        "### GRADER: CHANGES hidden_table, scale\nhidden_table.sort()",
        "from __future__ import annotations\ndel math, np",
        "%matplotlib inline\n%%time\nx = %timeit f(1)\n!ls {value}",
        "%%time\nvalue",
        "%%bash\necho value",
        "In [1]: value = table\nOut[1]: 1",
        'x = %"""\n',
        'x = !\'""" \\\n?value??',
        "get_ipython().events.register('pre_run_cell', print)",
        "def broken(:",
        "1+" * 3000 + "value",
        "if value:\n pass\n" + "elif value:\n pass\n" * 1100,
        "(" * 200 + "value" + ")" * 200,
        "-" * 30_000 + "value",
        "lambda:" * 500 + "value",
        "\x00value",
        "%time value\n" * 2000,
        "value # " + "x" * (LONGEST + 5),
        "# %% [grade] === instructor\nresult",
    ]
) | st.text(max_size=30)
MARK = st.fixed_dictionaries(
    {"grade_id": st.sampled_from([cell.metadata.nbgrader.grade_id for cell in CELLS]) | st.text()},
    optional={
        "solution": st.booleans(),
        "grade": st.booleans(),
        "locked": st.booleans(),
        "points": st.integers(),
    },
)
TAGS = ["parameters", "injected-parameters", "skip-execution", "raises-exception"]
CELL = st.fixed_dictionaries(
    {
        "cell_type": st.sampled_from(["code", "code", "code", "markdown", "raw"]),
        "source": SOURCES,
        "metadata": st.fixed_dictionaries(
            {}, optional={"nbgrader": MARK, "tags": st.lists(st.sampled_from(TAGS), max_size=2)}
        ),
    }
)


def planned(cells: list[Any], template: NotebookTemplate, minor: int = 5) -> Any:
    """What the test kernel is told of a submission of these cells."""
    data = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": minor}
    clean = clean_notebook(json.dumps(data).encode(), template)
    assert not clean.unreadable
    loaded = load_notebook_node(clean.notebook)
    notebook = parameterize_notebook(loaded, {"SEED": 7}, engine_name="split")
    return told(notebook, make_plan(notebook, template))


def told(notebook: nbformat.NotebookNode, plan: NotebookPlan) -> Any:
    """What the test kernel is told, in its order."""
    rows = []
    for cell in plan.cells:
        node = notebook.cells[cell.index]
        name = node.metadata.get("nbgrader", {}).get("grade_id", "")
        if cell.tested or cell.test:
            rest = (cell.marked, cell.owned, cell.reserved, cell.shared)
            rows.append((name, node.source, cell.test, cell.tested, *rest))
    return rows, plan.prelude, plan.classes, plan.watched, plan.shown


PLANS = {name: planned(list(CELLS), found) for name, found in TEMPLATES.items()}


@pytest.mark.parametrize("name", TEMPLATES)
@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(CELLS) | CELL, max_size=20), st.integers(0, 5))
def test_the_plan_of_the_instructors_cells_is_the_same_whatever_is_handed_in(
    name: str, cells: list[Any], minor: int
) -> None:
    assert planned(cells, TEMPLATES[name], minor) == PLANS[name]


@pytest.mark.parametrize("name", TEMPLATES)
@settings(deadline=None, max_examples=50)
@given(st.permutations(CELLS))
def test_no_order_of_the_released_cells_changes_it(name: str, cells: list[Any]) -> None:
    assert planned(cells, TEMPLATES[name]) == PLANS[name]


def test_the_plan_says_what_it_should() -> None:
    """The properties above compare something."""
    rows, prelude, *_ = PLANS["with the source"]
    names = [name for name, *_ in rows]
    assert names == [
        "parameters", "", "setup", "helper", "test_f", "data",
        "test_r", "test_marked", "test_sum",
    ]  # fmt: skip
    assert prelude == ("import math", "import numpy as np")
    first = rows[0][6]
    assert {"check_it", "scale", "value"} <= first
    assert "hidden_table" not in first, "a helper reads it before it is there"
    assert "hidden_table" in rows[6][6]


@settings(deadline=None, max_examples=200)
@given(SOURCES)
def test_reading_a_strangers_cell_never_raises(source: str) -> None:
    found = strangers_names(source)
    assert found is None or all(isinstance(names, frozenset) for names in found)


def test_what_is_too_much_to_be_read_is_judged_by_its_words() -> None:
    test = nb.check("t", "limit = 3")
    padding = "x = 1\n" * (LONGEST // 6 - 10)
    many = [nb.answer(f"{padding}limit") for _ in range(2 + IN_ALL // LONGEST)]
    for cells in ([nb.answer(f"{padding * 2}limit")], many, [nb.answer("limit ** / 5")]):
        plan = make_plan(nb.notebook(test, *cells), BARE)
        assert plan.cells[0].answer == "limit = 3"
    plan = make_plan(nb.notebook(test, nb.answer(padding * 2)), BARE)
    assert plan.cells[0].answer == ""
