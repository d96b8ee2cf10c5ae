"""Functions and objects of a student's, as a test on the other side sees them."""

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


def test_objects_have_their_methods_properties_and_items(two: Pair) -> None:
    two.write(
        """
        class Stack:
            "A pile."
            kind = "pile"
            def __init__(self, *items): self.items = list(items); self._secret = 1
            def push(self, item): self.items.append(item); return self
            @property
            def top(self): return self.items[-1]
            @top.setter
            def top(self, value): self.items[-1] = value
            @classmethod
            def of(cls, n): return cls(*range(n))
            @staticmethod
            def twice(x): return 2 * x
            def __len__(self): return len(self.items)
            def __getitem__(self, at): return self.items[at]
            def __setitem__(self, at, value): self.items[at] = value
            def __delitem__(self, at): del self.items[at]
            def __contains__(self, item): return item in self.items
            def __iter__(self): return iter(self.items)
            def __repr__(self): return f"Stack{tuple(self.items)}"
            def __add__(self, other): return Stack(*self.items, *other.items)
            def __call__(self, x): return x + 1
            def __enter__(self): return self
            def __exit__(self, *error): self.items.clear()
            def __bool__(self): return True
        class Tall(Stack):
            def push(self, item): return super().push(10 * item)
        """
    )
    Stack, Tall = two["Stack"], two["Tall"]
    s = Stack(1, 2)
    assert isinstance(s, Stack)
    assert not isinstance(s, Tall)
    assert issubclass(Tall, Stack)
    assert isinstance(Tall(), Stack)
    s.push(3)
    assert (Stack.__name__, Stack.__doc__, Stack.kind) == ("Stack", "A pile.", "pile")
    assert (s.top, len(s), s[0], 3 in s, 9 in s, list(s)) == (3, 3, 1, True, False, [1, 2, 3])
    s.top, s[0], s.extra = 5, 0, "new"
    assert (repr(s), str(s), s.extra) == ("Stack(0, 2, 5)",) * 2 + ("new",)
    del s[0], s.extra
    assert not hasattr(s, "extra")
    assert repr(s + Stack(7)) == "Stack(2, 5, 7)"
    assert (s(1), Stack.of(3)[2], Stack.twice(4), s.twice(4)) == (2, 2, 8, 8)
    with Tall().push(1) as tall:
        assert tall.items == [10]
    assert (len(tall), bool(tall)) == (0, True)
    other = copy.deepcopy(s)
    other.push(1)
    assert (len(other), len(s)) == (3, 2)
    with pytest.raises(CannotCross):
        pickle.dumps(s)
    with pytest.raises(AttributeError):
        _ = s.nothing
    with pytest.raises(TypeError):
        len(two["Stack"].of)


def test_what_a_class_does_not_define_its_mirror_does_not_either(two: Pair) -> None:
    two.write("class Plain: pass\np = Plain()")
    p = two["p"]
    for use in (len, iter, lambda x: x[0], lambda x: x + 1, lambda x: x(), float, lambda x: x < x):
        with pytest.raises(TypeError):
            use(p)
    same = p
    assert p == same
    assert p != 1
    assert bool(p)
    assert {p: 1}[p] == 1


LIAR = """
    class Liar:
        def __eq__(self, other): return True
        def __ne__(self, other): return False
        def __lt__(self, other): return True
        def __hash__(self): return 1
        def __len__(self): return "many"
        def __bool__(self): return 1
        def __array__(self, *a, **k): raise SystemExit("__array__ was called")
        __array_interface__ = {"shape": (1,), "typestr": "<f8", "data": (0, True), "version": 3}
        __array_struct__ = __cuda_array_interface__ = None
        def __torch_function__(self, *a, **k): return True
        def __array_ufunc__(self, *a, **k): return True
        def __array_function__(self, *a, **k): return True
        def __buffer__(self, flags): return b"x"
        def __index__(self): return 1.5
    def lie(): return Liar()
"""


def test_an_object_is_not_compared_with_what_a_test_expects(two: Pair) -> None:
    """It would say yes to anything, and see what is expected."""
    two.write(LIAR)
    liar = two["lie"]()
    for compare in (
        lambda: liar == 42,
        lambda: liar == 42,
        lambda: liar != 42,
        lambda: liar < 42,
        lambda: liar > 42,
        lambda: liar == [42],
        lambda: liar in [42],
        lambda: np.array_equal(liar, 42),
        lambda: bool(liar),
        lambda: len(liar),
        lambda: range(3)[liar],
    ):
        with pytest.raises((CannotCross, TypeError)):
            compare()


def test_an_object_that_the_test_made_is_compared_by_its_own_class(two: Pair) -> None:
    two.write(
        """
        class Point:
            def __init__(self, x): self.x = x
            def __eq__(self, other): return self.x == getattr(other, "x", other)
            def __lt__(self, other): return self.x < other.x
            def __hash__(self): return hash(self.x)
        def make(x): return Point(x)
        """
    )
    Point = two["Point"]
    assert Point(1) == Point(1)
    assert Point(1) != Point(2)
    assert Point(1) < Point(2)
    assert Point(1) == 1
    assert two["make"](1) == two["make"](1)
    assert {Point(1): "a"}[Point(1)] == "a"
    with pytest.raises(CannotCross):
        two["make"](1) == 1  # noqa: B015 -- the comparison is what is refused
    assert two["make"](1) is not None
    assert (two["make"](1) == None) is False  # noqa: E711


@pytest.mark.parametrize(
    "name",
    [
        "__array__",
        "__array_interface__",
        "__array_struct__",
        "__array_ufunc__",
        "__array_function__",
        "__cuda_array_interface__",
        "__torch_function__",
        "__buffer__",
        "__dlpack__",
    ],
)
def test_protocols_that_read_memory_or_steer_a_library_are_never_asked_for(
    two: Pair, name: str
) -> None:
    two.write(LIAR)
    liar = two["lie"]()
    calls = two.tester.calls
    assert not hasattr(liar, name)
    assert not hasattr(two["Liar"], name)
    assert two.tester.calls <= calls + 1
    found = np.empty(1, dtype=object)
    found[0] = liar
    assert found[0] is liar


def test_named_tuples_and_dataclasses(two: Pair) -> None:
    two.share(
        """
        from dataclasses import dataclass, field
        from typing import NamedTuple
        class Shared(NamedTuple):
            x: int
        @dataclass
        class Card:
            rank: int
            tags: list = field(default_factory=list)
        """
    )
    two.write(
        """
        from collections import namedtuple
        Pair = namedtuple("Pair", "left right")
        def both(): return Pair(1, [2])
        def raise_it(card): card.rank += 1; card.tags.append("up"); return card
        def card(): return Card(3)
        def shared(): return Shared(4)
        """
    )
    pair_ = two["both"]()
    assert (pair_, pair_.left, pair_._fields) == ((1, [2]), 1, ("left", "right"))
    assert isinstance(pair_, tuple)
    assert isinstance(pair_, two["Pair"])
    Card, Shared = two.test["Card"], two.test["Shared"]
    assert two["card"]() == Card(3)
    assert type(two["shared"]()) is Shared
    mine = Card(1)
    assert two["raise_it"](mine) is mine
    assert (mine.rank, mine.tags) == (2, ["up"])


def test_a_named_tuple_has_the_methods_that_the_student_gave_it(two: Pair) -> None:
    two.write(
        """
        from typing import NamedTuple
        class Employee(NamedTuple):
            name: str
            salary: float = 1000.0
            @property
            def first(self): return self.name[0]
            def raised(self, percent): return self._replace(salary=self.salary * (1 + percent))
            def __add__(self, other): return Employee(self.name + other.name, 0.0)
            def __str__(self): return f"<{self.name}>"
        class Liar(NamedTuple):
            x: int
            def __eq__(self, other): return True
            def __lt__(self, other): return True
            def __radd__(self, other): return other
        def lie(): return Liar(0)
        """
    )
    Employee = two["Employee"]
    ada = Employee("Ada")
    assert ada == ("Ada", 1000.0)
    assert Employee._fields == ("name", "salary")
    name, _ = ada
    assert (name, ada.first, str(ada)) == ("Ada", "A", "<Ada>")
    raised = ada.raised(1)
    assert raised == ("Ada", 2000.0)
    assert isinstance(raised, Employee)
    assert ada + ada == ("AdaAda", 0.0)
    with pytest.raises(CannotCross):
        ada + 1
    with pytest.raises(AttributeError):
        ada._private  # noqa: B018 -- the access is what is refused
    for decide in (lambda x: x == (1,), lambda x: x == (1,), lambda x: x < (1,), lambda x: 1 + x):
        with pytest.raises(CannotCross):
            decide(two["lie"]())


def test_a_class_shows_the_bases_that_it_has_there(two: Pair) -> None:
    two.write("class A: pass\nclass B(A): pass\nclass C(A): pass\nclass D(B, C): pass")
    A, B, C, D = (two[name] for name in "ABCD")
    assert A.__bases__ == (object,)
    assert D.__bases__ == (B, C)
    assert D.__mro__ == (D, B, C, A, object)
    assert D.mro() == [D, B, C, A, object]
    assert issubclass(D, A)
    assert not issubclass(B, C)


def test_an_object_that_makes_itself_an_array_is_refused(two: Pair) -> None:
    two.write(
        """
        import numpy as np
        class Matrix:
            def __array__(self, dtype=None, copy=None): return np.ones((2, 2))
            def __len__(self): return 2
        """
    )
    with pytest.raises(CannotCross, match="__array__"):
        np.asarray(two["Matrix"]())
    with pytest.raises(CannotCross, match="Matrix"):
        np.testing.assert_array_equal(two["Matrix"](), np.ones((2, 2)))


def test_a_log_that_a_student_keeps_goes_on(two: Pair) -> None:
    two.write(
        """
        def logged(log):
            def decorator(function):
                def wrapper(*arguments):
                    log.append((function.__name__, arguments))
                    return function(*arguments)
                return wrapper
            return decorator
        def double(x): return 2 * x
        """
    )

    def area(width: float) -> float:
        return width

    log: list[Any] = []
    assert two["logged"](log)(area)(3) == 3
    assert two["logged"](log)(two["double"])(4) == 8
    assert log == [("area", (3,)), ("double", (4,))]


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
