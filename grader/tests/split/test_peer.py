"""Functions and values of a student's, as a test on the other side sees them."""

from __future__ import annotations

import copy
import inspect
import pickle
import random
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from grader.split.bridge.values import CannotCross
from grader.tests.split.pairs import Pair, pair


@pytest.fixture
def two() -> Iterator[Pair]:
    with pair() as found:
        yield found


def test_functions_are_called_with_plain_data_and_defaults(two: Pair) -> None:
    two.write("def f(a, b=2, *c, d, **e):\n    'What it does.'\n    return a, b, c, d, e")
    f = two["f"]
    assert f(1, d=3) == (1, 2, (), 3, {})
    assert f(1, 5, 6, d=3, x=[4]) == (1, 5, (6,), 3, {"x": [4]})
    assert callable(f)
    assert isinstance(f, types.FunctionType)
    assert (f.__name__, f.__doc__) == ("f", "What it does.")
    assert str(inspect.signature(f)) == "(a, b=2, *c, d, **e)"


def test_the_code_of_a_function_stays_where_it_is(two: Pair) -> None:
    two.write("def f(): return 1")
    f = two["f"]
    for name in ("__code__", "__globals__", "__closure__", "__defaults__"):
        with pytest.raises(CannotCross, match="ANSWER KERNEL"):
            getattr(f, name)
    with pytest.raises((TypeError, OSError)):
        inspect.getsource(f)
    with pytest.raises(CannotCross):
        pickle.dumps(f)
    assert copy.deepcopy(f) is f


def test_functions_go_to_and_fro_as_deep_as_they_like(two: Pair) -> None:
    two.write(
        """
        def apply(f, n): return n if n == 0 else 1 + f(apply, n - 1)
        def compose(f, g): return lambda x: f(g(x))
        """
    )

    def back(f: Any, n: int) -> Any:
        return f(back, n)

    assert two["apply"](back, 30) == 30
    assert two["compose"](lambda x: x + 1, lambda x: 2 * x)(5) == 11
    assert two["compose"](abs, np.sum)([1, -5]) == 4


def test_what_is_sent_comes_back_as_itself(two: Pair) -> None:
    two.write(
        "def same(x): return x\ndef keep(x):\n    global kept\n    kept = x\n    return [x, x]"
    )
    for value in ([1], {"a": 1}, np.zeros(3), lambda: 1, {1, 2}, bytearray(b"x")):
        assert two["same"](value) is value
        assert all(item is value for item in two["keep"](value))
    assert two["same"] is two["same"]
    two.write("class C: pass\nc = C()")
    assert two["c"] is two["same"](two["c"])
    assert type(two["c"]) is two["C"]


def test_arguments_that_were_changed_in_place_are_changed_here(two: Pair) -> None:
    two.write(
        """
        def change(a, b, c, d, e):
            a.append([1]); b["k"] = a; c[0, :] = 7; d.add(3); e[:] = b"zz"
        def sort(x): x.sort()
        def clear(x): x.clear()
        def leave(x): return len(x)
        """
    )
    a: list[Any] = []
    b: dict[str, Any] = {"old": 1}
    c = np.zeros((2, 2))
    view, d, e = c[0], {1}, bytearray(b"abc")
    two["change"](a, b, c, d, e)
    assert a == [[1]]
    assert b == {"old": 1, "k": [[1]]}
    assert b["k"] is a
    assert view.tolist() == [7, 7]
    assert (d, e) == ({1, 3}, bytearray(b"zz"))
    words = ["b", "a"]
    two["sort"](words)
    assert words == ["a", "b"]
    two["clear"](b)
    assert b == {}
    inner = [1]
    outer = [inner]
    assert two["leave"](outer) == 1
    assert outer[0] is inner


def test_an_array_that_may_not_be_written_is_not(two: Pair) -> None:
    two.write("def write(x): x[0] = 1")
    frozen = np.zeros(2)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        two["write"](frozen)
    assert frozen.sum() == 0


def test_exceptions_keep_their_class_and_words(two: Pair) -> None:
    two.write(
        """
        import numpy as np
        class Mine(ValueError):
            def __init__(self, text, code):
                super().__init__(text)
                self.code = code
        class Deep(Mine): pass
        def value(): raise ValueError("bad", 5)
        def key(): return {}["k"]
        def singular(): return np.linalg.inv(np.zeros((2, 2)))
        def mine(): raise Deep("deep", 7)
        def inside(f): return f()
        """
    )
    with pytest.raises(ValueError, match="bad") as bad:
        two["value"]()
    assert bad.value.args == ("bad", 5)
    with pytest.raises(KeyError, match="'k'"):
        two["key"]()
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        two["singular"]()
    with pytest.raises(two["Mine"]) as deep:
        two["mine"]()
    assert isinstance(deep.value, ValueError)
    assert type(deep.value).__name__ == "Deep"
    assert deep.value.code == 7
    ours = LookupError("ours")

    def fail() -> None:
        raise ours

    with pytest.raises(LookupError) as through:
        two["inside"](fail)
    assert through.value is ours


@pytest.mark.parametrize(
    "raised",
    [
        "SystemExit(0)",
        "StopIteration(1)",
        "GeneratorExit()",
        "BaseException('b')",
        "Skipped('s')",
        "SkipTest('s')",
        "StopAsyncIteration()",
        "BaseExceptionGroup('g', [KeyError()])",
        "asyncio.CancelledError()",
        "Odd('o')",
    ],
)
def test_what_would_end_or_skip_a_test_is_an_ordinary_error(two: Pair, raised: str) -> None:
    two.write(
        f"""
        import asyncio
        from unittest import SkipTest
        from _pytest.outcomes import Skipped
        class Odd(SystemExit): pass
        def leave(): raise {raised}
        """
    )
    with pytest.raises(Exception) as caught:  # noqa: PT011 -- which one does not matter
        two["leave"]()
    assert not isinstance(caught.value, StopIteration | StopAsyncIteration)
    assert type(caught.value).__name__ not in ("SkipTest", "Skipped")


def test_a_failed_assertion_of_a_test_does_not_tell_the_student_what_it_says(two: Pair) -> None:
    two.write(
        """
        heard = []
        def listen(f):
            try: f()
            except AssertionError as error: heard.extend([error.args, str(error)])
        """
    )

    def secret() -> None:
        raise AssertionError("expected 42")

    two["listen"](secret)
    assert two["heard"] == [(), ""]


def test_what_both_sides_have_is_the_same(two: Pair) -> None:
    two.write("def same(x): return x\ntotal = sum")
    for value in (len, max, sorted, ValueError, dict, OSError):
        assert two["same"](value) is value
    assert two["total"] is sum
    two.write("evil = eval")
    assert two["evil"] is not eval


def test_a_masked_value_which_equals_anything_does_not_cross_as_one(two: Pair) -> None:
    two.write("import numpy as np\nmissing = np.ma.masked\nmany = np.ma.masked_all(3)")
    for name in ("missing", "many"):
        with pytest.raises((CannotCross, AssertionError)):
            np.testing.assert_array_equal(two[name], np.ones(3))


def test_generators_and_iterators(two: Pair) -> None:
    two.write(
        """
        def count(n):
            got = []
            try:
                for i in range(n): got.append((yield i))
            except ValueError: yield "caught"
            finally: closed.append(True)
            return got
        closed = []
        def total(items): return sum(items)
        def consume(f): return [f(x) for x in map(lambda v: v + 1, [1, 2])]
        """
    )
    assert list(two["count"](3)) == [0, 1, 2]
    g = two["count"](2)
    assert isinstance(g, types.GeneratorType)
    assert (next(g), g.send("a")) == (0, 1)
    with pytest.raises(StopIteration) as end:
        g.send("b")
    assert end.value.value == ["a", "b"]
    g = two["count"](2)
    next(g)
    assert g.throw(ValueError) == "caught"
    g.close()
    assert two["closed"] == [True, True, True]
    assert two["total"](x for x in range(4)) == 6
    assert two["consume"](lambda x: x * 10) == [20, 30]


def test_random_generators_arrive_with_their_state_and_go_on(two: Pair) -> None:
    two.write("def draw(rng): return [float(rng.random()) for _ in range(3)]")
    for make in (np.random.default_rng, np.random.RandomState, random.Random):
        rng, same = make(5), make(5)
        wanted = [float(same.random()) for _ in range(6)]
        assert two["draw"](rng) + two["draw"](rng) == wanted
