"""Functions that students have read go over as text; all others stay behind mirrors."""

from __future__ import annotations

import contextlib
import gc
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from grader.release import without_hidden
from grader.split import Outcome
from grader.split.bridge import tester
from grader.split.bridge.errors import AnswerGone
from grader.split.bridge.files import StudentsFiles
from grader.split.shown import shown_functions
from grader.tests.split.notebooks import check, given, run, solution
from grader.tests.split.pairs import EXTRAS, Pair, pair

CELL = """
import math
import numpy as np
import scipy.special
import torch
from torch import nn

def double(x):
    return 2 * x

def norm(x):
    return np.linalg.norm(double(x))

def fall(n):
    return n if n <= 0 else fall(n - 1)

def power(x, y=3, *, z=1.5):
    return x**y + z

def longest(xs):
    return max(xs, key=len)
"""


@contextlib.contextmanager
def two_sides(cell: str = CELL) -> Iterator[Pair]:
    """Both sides; the cell has run on the test's, and its visible part is what students read."""
    rows = shown_functions([without_hidden(cell)])
    with pair(lambda names: tester.TesterCrossing(names, StudentsFiles(names), rows)) as found:
        for name, value in vars(__import__("builtins")).items():
            if not name.startswith("_"):  # as `shell.take_over` does
                found.test[name] = value
        exec(compile(cell, "<cell>", "exec", dont_inherit=True), found.test)
        found.write("def kind(f): return type(f).__name__\ndef call(f, *a): return f(*a)")
        yield found


def crosses(two: Pair, name: str = "double") -> bool:
    """Whether a function of the test's runs on the other side, which calls it once."""
    return bool(two["kind"](two.test[name]) == "function")


@pytest.fixture
def two() -> Iterator[Pair]:
    with two_sides() as found:
        yield found


def test_a_shown_function_runs_where_the_student_calls_it(two: Pair) -> None:
    two.write("def often(f):\n    for n in range(1000): f(n)\n    return f(21)")
    often = two["often"]
    before = two.tester.calls
    assert often(two.test["double"]) == 42
    assert (two.tester.calls - before, two.agent.calls) == (1, 0)
    assert often(lambda x: 2 * x) == 42
    assert two.agent.calls == 1001


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [("norm", [3.0, 4.0], 10.0), ("fall", [5], 0), ("power", [2], 9.5), ("longest", ["ab c"], "a")],
)
def test_what_it_reads_is_there_too(two: Pair, name: str, given: Any, expected: Any) -> None:
    arguments = (np.array(given),) if name == "norm" else tuple(given)
    assert two["call"](two.test[name], *arguments) == expected
    assert two.agent.calls == 0


def test_a_student_can_read_it(two: Pair) -> None:
    two.write(
        "import inspect\ndef read(f): return inspect.getsource(f), str(inspect.signature(f)), "
        "f.__module__, f.__name__, f.__globals__['__builtins__'] is __import__('builtins')"
    )
    source = "def power(x, y=3, *, z=1.5):\n    return x**y + z\n"
    expected = (source, "(x, y=3, *, z=1.5)", "__main__", "power", True)
    assert two["read"](two.test["power"]) == expected


def test_it_is_the_same_object_as_long_as_somebody_holds_it(two: Pair) -> None:
    two.write("kept = []\ndef keep(f):\n    kept.append(f)\n    return f, [f is g for g in kept]")
    double = two.test["double"]
    for found, same in (two["keep"](double), two["keep"](double), two["keep"]([double][0])):
        assert found is double
        assert all(same)


def test_it_is_released_when_nobody_holds_it(two: Pair) -> None:
    for name in ("double", "norm", "fall"):
        assert crosses(two, name)
    gc.collect()
    two["call"]  # with which the news come
    assert len(two.crossing.exports._objects) == 0


def test_it_goes_over_in_containers_and_back_in_results(two: Pair) -> None:
    two.write("def look(x): return type(x['f'][0]).__name__, x['f'][0](2), x")
    double = two.test["double"]
    kind, value, back = two["look"]({"f": [double]})
    assert (kind, value) == ("function", 4)
    assert back["f"][0] is double


def test_gradients_flow_through_it_without_a_message(two: Pair) -> None:
    two.write("def step(loss, w):\n    loss(w).sum().backward()\n    return w.grad")
    w = torch.ones(3, requires_grad=True)
    assert two["step"](two.test["double"], w).tolist() == [2, 2, 2]
    assert two.agent.calls == 0


def test_torch_transforms_take_it(two: Pair) -> None:
    two.write("import torch\ndef mapped(f, x): return torch.func.vmap(f)(x)")
    assert two["mapped"](two.test["double"], torch.ones(2)).tolist() == [2, 2]


def test_what_it_raises_is_what_the_student_raises() -> None:
    with two_sides("def refuse(x):\n    raise ValueError(f'{x} is too small')\n") as two:
        with pytest.raises(ValueError, match="1 is too small"):
            two["call"](two.test["refuse"], 1)
        assert two.agent.calls == 0


def test_a_student_who_rewrites_it_changes_only_their_own(two: Pair) -> None:
    two.write(
        "def spoil(f):\n    f.__code__ = (lambda x: 0).__code__\n    f.__defaults__ = (5,)\n"
        "    f.seen = True\n    f.__globals__.clear()\n    return f, f(1)"
    )
    double = two.test["double"]
    back, value = two["spoil"](double)
    assert (back is double, value) == (True, 0)
    assert (double(4), vars(double), double.__defaults__) == (8, {}, None)
    assert "np" in two.test


def test_one_that_cannot_be_made_there_is_a_mirror(
    two: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ImportError

    monkeypatch.setattr("grader.split.bridge.native.make", broken)
    assert not crosses(two)
    assert two["call"](two.test["double"], 2) == 4


def test_where_the_student_holds_an_object_of_the_tests_functions_stay(two: Pair) -> None:
    two.run("class Env:\n    _size = 3\nenv = Env()")
    two.write(
        "def both(f, env): return type(f).__name__\ndef keep(e):\n    global kept\n    kept = e"
    )
    double, env = two.test["double"], two.test["env"]
    assert two["both"](double, env) == "RemoteFunction"
    gc.collect()
    assert crosses(two), "the object is dropped, and the function with it"
    two["keep"](env)
    gc.collect()
    assert not crosses(two)


CHANGES = {
    "attribute": "double.note = 'canary'",
    "defaults": "double.__defaults__ = ('canary',)",
    "named_defaults": "power.__kwdefaults__ = {'z': 2}\ngiven = power",
    "default_of_another_type": "power.__defaults__ = (3.0,)\ngiven = power",
    "annotation": "double.__annotations__['x'] = 'canary'",
    "docstring": "double.__doc__ = 'canary'",
    "code": "double.__code__ = (lambda x: 'canary').__code__",
    "another_of_its_name": "def double(x):\n    return 'canary'",
    "another_name": "double.__qualname__ = 'canary'",
    "closure": "def make(k):\n    def double(x): return k * x\n    return double\ngiven = make(2)",
    "wrapped": "import functools\ngiven = functools.wraps(double)(lambda x: 'canary')",
    "partial": "import functools\ngiven = functools.partial(double, 'canary')",
    "method": "given = type('A', (), {'double': double})().double",
    "other_names": "import types\ngiven = types.FunctionType(norm.__code__, {**globals(), 'a': 1})",
    "module": "import types\nnp = types.SimpleNamespace(linalg='canary')\ngiven = norm",
    "one_that_it_calls": "def double(x):\n    return 'canary'\ngiven = norm",
    "one_that_is_another": "double, given = longest, norm",
    "one_that_is_gone": "given = norm\ndel double",
    "itself": "given, fall = fall, (lambda n: 'canary')",
    "builtin": "max = lambda xs, key: 'canary'\ngiven = longest",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_one_that_is_not_what_students_read_stays(change: str) -> None:
    change += "" if "given" in change else "\ngiven = double"
    hidden = f"### BEGIN HIDDEN TESTS\n{change}\n### END HIDDEN TESTS\n"
    with two_sides(f"{CELL}\n{hidden}") as two:
        sent: list[str] = []
        send = two.tester.channel.send
        two.tester.channel.send = lambda header, buffers: (  # type: ignore[method-assign]
            sent.append(repr(header)),
            send(header, buffers),
        )[1]
        assert not crosses(two, "given")
        assert len(sent) == 2
        assert "canary" not in "".join(sent)


def test_one_of_two_shown_ones_of_a_name_does_not_call_the_other() -> None:
    with two_sides(f"{CELL}\nold = fall\ndef fall(n):\n    return -5\n") as two:
        assert not crosses(two, "old")
        assert crosses(two, "fall")
        assert two["call"](two.test["old"], 1) == -5


NOT_READ = {
    "a_module_of_no_computing": "def f(x): return torch.cuda.is_available()",
    "a_layer_with_random_weights": "def f(x): return nn.Linear(2, 2)(x)",
    "a_module_itself": "def f(x): return np",
    "a_module_inside": "def f(x):\n    part = np.linalg\n    return part.det(x)",
    "nothing": "def f(x): return np.no_such_function(x)",
    "a_module_in_a_module": "def f(x): return torch.os.getpid()",
}


@pytest.mark.parametrize("function", NOT_READ.values(), ids=list(NOT_READ))
def test_one_that_reads_more_of_a_module_than_functions_stays(function: str) -> None:
    with two_sides(f"{CELL}\n{function}\n") as two:
        assert not crosses(two, "f")
        assert crosses(two)


@pytest.mark.parametrize(
    ("change", "back"),
    [
        ("np.seterr(all='raise')", "np.seterr(**before)"),
        ("torch.set_default_dtype(torch.float64)", "torch.set_default_dtype(torch.float32)"),
    ],
)
def test_one_stays_where_a_test_has_moved_a_switch_of_a_library(change: str, back: str) -> None:
    with two_sides() as two:
        two.run("before = np.geterr()")
        try:
            two.run(change)
            assert not crosses(two)
            two.crossing.shown.settle()  # type: ignore[attr-defined]  # of a test's side
            gc.collect()
            assert crosses(two)
        finally:
            two.run(back)


def test_neither_line_numbers_nor_neighbours_of_a_function_go_over() -> None:
    hidden = "### BEGIN HIDDEN TESTS\nsecret = 'canary'\n### END HIDDEN TESTS\n"
    with two_sides(hidden + CELL + hidden) as two:
        two.write(
            "def dig(f):\n    code = f.__code__\n    return sorted(f.__globals__), "
            "code.co_firstlineno, repr((code.co_filename, code.co_consts, f.__defaults__))"
        )
        names, line, text = two["dig"](two.test["double"])
        assert (names, line) == (["__builtins__", "__name__"], 1)
        assert "canary" not in text
        assert "cell" not in text


@pytest.mark.usefixtures("needs_bubblewrap")
@pytest.mark.parametrize("first", ["import json", "from __future__ import annotations"])
def test_in_kernels_the_shown_one_goes_over_and_the_hidden_one_does_not(first: str) -> None:
    shown = "def double(x):\n    return 2 * x\n\nassert look(double) == ('function', 6, double)"
    hidden = "def treble(x):\n    return 3 * x\n\nkind, *rest = look(treble)\n" + (
        "assert (kind, rest) == ('RemoteFunction', [9, treble])"
    )
    norm = "def norm(x: np.ndarray) -> float:\n    return abs(x)"
    result = run(
        given("first", f"{first}\n'it holds for all later cells'"),
        given("setup", f"import numpy as np\nnp.seterr(over='raise')\n{norm}"),
        solution("s", "import os\ndef look(f): return type(f).__name__, f(3), f\nleave = os._exit"),
        check("here", f"{shown}\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS"),
        check("dies", "leave(3)"),
        check("again", "assert look(double)[0] == look(norm)[0] == 'function'"),
    )
    found = {test.grade_id: (test.outcome, test.message) for test in result.tests}
    assert found["here"][0] is Outcome.PASSED, found["here"]
    assert found["dies"][0] is not Outcome.PASSED
    assert found["again"][0] is Outcome.PASSED, found["again"]


def test_the_test_kernel_takes_no_function_as_text(two: Pair) -> None:
    node = ["fn", 1, [], ["f", "def f(): return 1"]]
    original = two.agent._send

    def send(header: list[Any], encoder: Any) -> None:
        original([*header[:3], node, [], EXTRAS], encoder)

    two.agent._send = send  # type: ignore[method-assign]
    with pytest.raises(AnswerGone, match="protocol"):
        two["kind"]


def test_a_shown_function_is_a_plain_one(two: Pair) -> None:
    two.write("kept = []\ndef keep(f): kept.append(f)")
    two["keep"](two.test["norm"])
    (made,) = two.student["kept"]
    assert type(made) is types.FunctionType
    assert made is not two.test["norm"]
    assert made.__globals__["double"](2) == 4
    assert made.__globals__["double"] is not two.test["double"]
