"""Objects and classes of a student's, as a test on the other side sees them."""

from __future__ import annotations

import copy
import pickle
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
