"""Running a notebook's cells without a kernel."""

from __future__ import annotations

import pytest

from grader.audit.runner import Cell, cells_of, run_cells
from grader.tests.audit.conftest import two_steps


def run(*cells: Cell, seed: int | None = None, **options):
    tests = [cell.grade_id for cell in cells if cell.role == "test"]
    return run_cells(cells, tests, seed=seed, **options)


def test_the_reference_earns_all_its_points() -> None:
    result = run(*cells_of(two_steps()))
    assert result.points == {"test_clamp": 2.0, "test_total": 3.0}
    assert result.errors == result.failures == {}
    assert result.seconds.keys() == result.memory.keys() == result.points.keys()


def test_an_exception_ends_its_own_cell_only() -> None:
    result = run(
        Cell("a", "student", "raise ValueError('two\\nlines')"),
        Cell("t1", "test", "assert x", 1.0),
        Cell("", "instructor", "x = 1"),
        Cell("", "instructor", "raise SystemExit"),
        Cell("t2", "test", "assert x", 2.0),
    )
    assert result.points == {"t1": 0.0, "t2": 2.0}
    assert result.errors == {"t1": "NameError: name 'x' is not defined"}
    assert result.failures == {"a": "ValueError: two lines", "number 4": "SystemExit:"}


def test_the_seed_and_parameters_come_after_their_cell() -> None:
    cells = (
        Cell("p", "parameters", "SEED = 7\nDEVICE = 'cpu'"),
        Cell("t", "test", "assert (SEED, DEVICE) == wanted", 1.0),
    )
    for seed, parameters, wanted in [(None, {}, (7, "cpu")), (3, {"DEVICE": "cuda"}, (3, "cuda"))]:
        given = {**parameters, "wanted": wanted}
        assert run(*cells, seed=seed, parameters=given).points == {"t": 1.0}


@pytest.mark.parametrize(
    ("source", "points"), [("1.5", 1.5), ("5", 2.0), ("True", 2.0), ("None", 2.0), ("x = 0", 2.0)]
)
def test_a_number_at_the_end_is_partial_credit(source: str, points: float) -> None:
    assert run(Cell("t", "test", source, 2.0)).points == {"t": points}


def test_tests_that_nobody_asks_for_do_not_run() -> None:
    cells = (
        Cell("t1", "test", "seen = 1", 1.0),
        Cell("t2", "test", "assert 'seen' not in globals()", 1.0),
        Cell("after", "instructor", "raise ValueError"),
    )
    result = run_cells(cells, ["t2"], seed=None)
    assert (result.points, result.failures) == ({"t2": 1.0}, {})


def test_an_endless_loop_costs_its_cell() -> None:
    result = run(
        Cell(
            "a",
            "student",
            "while True:\n    try:\n        pass\n    except Exception:\n        pass",
        ),
        Cell("t", "test", "assert True", 1.0),
        cell_limit=0.05,
    )
    assert result.points == {"t": 1.0}
    assert result.failures == {"a": "CellTimeout: it ran longer than 0.05 s"}


def test_magics_work() -> None:
    result = run(
        Cell("a", "instructor", "%matplotlib inline\nx = 1"), Cell("t", "test", "assert x", 1.0)
    )
    assert result.points == {"t": 1.0}


def test_the_numbers_that_a_test_expects_are_taken_down() -> None:
    cells = (
        Cell("c", "instructor", "def assert_close(got, expected, *, name): assert name"),
        Cell("t", "test", "assert_close(0, (1.5, [2, {'a': 3.5}], 'x', True), name='n')", 1.0),
        Cell(
            "u",
            "test",
            "import numpy as np\nassert_close(1, np.array([[4.0, 5.0]]), name='n')",
            1.0,
        ),
    )
    result = run(*cells, watch=True)
    assert result.points == {"t": 1.0, "u": 1.0}
    assert result.compared == {"t": [1.5, 2.0, 3.5], "u": [4.0, 5.0]}


def test_what_a_solution_changes_in_place_is_taken_down() -> None:
    given = """
import collections, types
import numpy as np, pandas as pd
numbers, same, table = [3, 1], [1], {"k": {"deep": [1]}}
array, frame = np.zeros(2), pd.DataFrame({"a": [1]})
words = {"a", "b"}
class Sealed:
    def __getattr__(self, name): raise ValueError(name)
sealed = [Sealed()]
class Mine:
    steps = 0
mine, kept, library = Mine(), Mine(), collections.UserList([1])
thing = types.SimpleNamespace(log=[], near=numbers)
loop = [1]
loop.append(loop)
bound, text = [1], "x"
"""
    solution = """
def change(x, f): f(x)
change(numbers, sorted)
change(numbers, list.sort)
table["k"]["deep"] += [2]
change(array, lambda x: x.fill(1))
change(frame, lambda x: x.__setitem__("b", [2]))
words.discard("c")
mine.steps += 1
library.append(2)
thing.near
loop[0] = 2
bound = [2]
text += "y"
same = same
"""
    result = run(
        Cell("given", "instructor", given),
        Cell("first", "student", solution),
        Cell("second", "student", "sum(numbers) + array.sum() + len(frame.describe())"),
        Cell("t", "test", "assert numbers == [1, 3]", 1.0),
        watch=True,
    )
    assert result.failures == {}
    changed = ["array", "frame", "loop", "mine", "numbers", "table", "thing"]
    assert result.altered == {"first": changed, "second": [], "t": []}


def test_a_model_that_a_solution_trains_is_seen() -> None:
    pytest.importorskip("torch")
    given = "import torch\ntorch.manual_seed(0)\nnet = torch.nn.Linear(2, 1)\nother = torch.ones(2)"
    step = "torch.nn.utils.vector_to_parameters(torch.ones(3), net.parameters())"
    cells = (Cell("g", "instructor", given), Cell("a", "student", f"net(other)\n{step}"))
    result = run(*cells, Cell("t", "test", "assert True"), watch=True)
    assert (result.failures, result.altered) == ({}, {"a": ["net"], "t": []})


def test_what_a_function_changes_when_a_test_calls_it_is_taken_down() -> None:
    cells = (
        Cell("g", "instructor", "log, other = [], []"),
        Cell("a", "student", "def note(x):\n    list.append(log, x)"),
        Cell("t", "test", "note(1)\nassert log == [1]", 1.0),
        Cell("u", "test", "assert not other", 1.0),
    )
    assert run(*cells, watch=True).altered == {"a": [], "t": ["log"], "u": []}
