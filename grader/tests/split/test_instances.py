"""Objects of an instructor's classes that a student's code has made; classes that extend them."""

from __future__ import annotations

import collections
import functools
import random
import textwrap
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from grader.split.bridge import generators, undoing
from grader.split.bridge.telling import Generators
from grader.split.bridge.undoing import Keepsakes
from grader.split.bridge.values import CannotCross
from grader.tests.split.pairs import Pair, pair

CLASSES = """
import collections, dataclasses, functools
class Money(float):
    def doubled(self): return Money(2 * self)
class Count(int): pass
class Word(str):
    def loud(self): return self.upper()
class Row(tuple): pass
class Pile(list):
    def top(self): return self[-1]
class Table(dict): pass
class Tally(collections.Counter): pass
class Bag(set): pass
class Line(collections.deque): pass
class Slotted:
    __slots__ = ("x", "y")
    def total(self): return self.x + self.y
class Failure(ValueError):
    def code(self): return self.args[1]
class Strange(range.__class__): pass
def double(x): return 2 * x
class Node:
    kind = "plain"
    def __init__(self, value, apply=None):
        self.value, self.apply, self.held = value, apply, []
        self.own = double
    def add(self, other): self.held.append(other)
    def twice(self): return self.own(self.value)
    @property
    def size(self): return len(self.held)
    @functools.cached_property
    def half(self): return self.value / 2
"""


@pytest.fixture
def two() -> Iterator[Pair]:
    with pair() as found:
        found.share(CLASSES)
        found.crossing.instances.learn(CLASSES)
        yield found


@pytest.mark.parametrize(
    "made",
    [
        "Money(2.5)",
        "Count(7)",
        "Word('word')",
        "Row([1, [2]])",
        "Pile([1, 2])",
        "Table(a=1)",
        "Tally('aab')",
        "Bag({1, 2})",
        "Line([1, 2], 5)",
    ],
)
def test_data_of_an_instructors_class_arrives_as_its_own(two: Pair, made: str) -> None:
    two.write(f"def make():\n    made = {made}\n    made.extra = 5\n    return made")
    wanted, found = eval(made, two.test), two["make"]()
    assert type(found) is type(wanted)
    assert found == wanted
    assert found.extra == 5


def test_their_methods_are_the_instructors(two: Pair) -> None:
    two.write("def money(): return Money(2.0)\ndef word(): return Word('a')")
    assert two["money"]().doubled() == 4.0
    assert two["word"]().loud() == "A"
    two.write("def pile():\n    made = Pile()\n    made.append(made)\n    return made")
    pile = two["pile"]()
    assert pile.top() is pile


def test_slots_and_exceptions_arrive_too(two: Pair) -> None:
    two.write("def make():\n    made = Slotted()\n    made.x, made.y = 1, 2\n    return made")
    assert two["make"]().total() == 3
    two.write("def fail(): return Failure('no', 5)\ndef throw(): raise fail()")
    assert (type(two["fail"]()), two["fail"]().code()) == (two.test["Failure"], 5)
    with pytest.raises(two.test["Failure"]):
        two["throw"]()


def test_what_would_hide_a_method_or_property_is_left_out(two: Pair) -> None:
    two.write(
        """
        def make():
            node = Node(4)
            node.twice = lambda: 99
            node.__dict__.update(half=99, size=99, kind="mine")
            return node
        """
    )
    node = two["make"]()
    assert (node.twice(), node.half, node.size, node.kind) == (8, 2, 0, "mine")


def test_a_students_function_stands_only_where_a_method_puts_an_argument(two: Pair) -> None:
    two.write(
        """
        class Mine: pass
        def given(): return Node(1, lambda x: x + 1)
        def held():
            node = Node(1)
            node.add(Mine())
            return node
        def exchanged():
            node = Node(1)
            node.own = lambda x: 99
            return node
        def nested():
            node = Node(1)
            node.kind = {"a": [Mine()]}
            return node
        def instructors(): return Node(3)
        """
    )
    assert two["given"]().apply(1) == 2
    assert two["held"]().size == 1
    assert two["instructors"]().twice() == 6
    for name in ("exchanged", "nested"):
        with pytest.raises(CannotCross, match="no method of the class puts one"):
            two[name]()
    assert two["instructors"]().own is two.test["double"]


def test_methods_of_an_instructors_class_run_here_but_for_the_references(two: Pair) -> None:
    two.crossing.overrides = {"twice"}
    two.write(
        """
        class Mine(Node):
            kind = "mine"
            def twice(self): return "mine"
            def add(self, other): return "mine"
            @property
            def size(self): return "mine"
        """
    )
    mine = two["Mine"](1)
    assert (mine.twice(), mine.kind, mine.value) == ("mine", "mine", 1)
    assert mine.add(5) is None
    assert mine.size == 0
    assert isinstance(mine, two.test["Node"])


@pytest.mark.parametrize("name", ["floating", "number", "generic"])
def test_a_mirror_extends_no_class_of_numbers(two: Pair, name: str) -> None:
    two.write("class Mine: pass\ndef make(): return Mine()")
    described = two.agent._handlers["describe"]

    def forged(number: int) -> Any:
        told = list(described(number))
        told[4] = [getattr(np, name)]
        return tuple(told)

    two.agent._handlers["describe"] = forged
    assert not isinstance(two["make"](), getattr(np, name))


@pytest.mark.parametrize(
    ("module", "name"),
    [("numbers", "Rational"), ("decimal", "Decimal"), ("datetime", "date"), ("array", "array")],
)
def test_a_mirror_poses_as_no_class_of_data(two: Pair, module: str, name: str) -> None:
    two.write(f"class {name}: pass\n{name}.__module__ = {module!r}\ndef make(): return {name}()")
    kind = getattr(__import__(module), name)
    assert not isinstance(two["make"](), kind)


MAKERS: dict[str, Any] = {
    "python": lambda: random.Random(5),
    "state": lambda: np.random.RandomState(5),
    "numpy": lambda: np.random.default_rng([5, 6]),
    "philox": lambda: np.random.Generator(np.random.Philox(5)),
    "torch": lambda: torch.Generator().manual_seed(5),
}


def _draw(rng: Any) -> float:
    if isinstance(rng, torch.Generator):
        return float(torch.rand(1, generator=rng))
    return float(rng.random() if hasattr(rng, "random") else rng.random_sample())


@pytest.mark.parametrize("make", MAKERS.values(), ids=list(MAKERS))
def test_a_seed_goes_over_and_what_was_drawn_does_not(make: Any) -> None:
    telling = Generators()
    rng = make()
    read = generators.state_reader(rng)
    assert read is not None
    assert generators.same_state(telling.told(rng, read()), read())
    _draw(rng)
    told = telling.told(rng, read())
    assert not generators.same_state(told, read())
    assert generators.same_state(told, telling.told(rng, read())), "the same in each run"
    telling.key = b"another test"
    assert not generators.same_state(told, telling.told(rng, read()))
    other = generators.new(generators.kind_of(rng))
    generators.restore(other, told)
    assert _draw(other) != _draw(rng)


def test_the_instructors_data_is_put_back() -> None:
    inner, array = [1], np.arange(3.0)
    tensor = torch.arange(3.0)
    holder: Any = Pair.__new__(Pair)
    holder.value = inner
    keepsakes = Keepsakes()
    keepsakes.learn({"a": {"inner": inner}, "b": array, "c": tensor, "d": holder, "e": 5})
    others = [2]
    for value in (inner, array[1:], tensor, others):
        keepsakes.note(value)
    keepsakes.note_all(holder)
    inner.append(5)
    array[:] = 0
    tensor.zero_()
    others.append(3)
    holder.value, holder.more = None, 1
    keepsakes.restore()
    assert (inner, others) == ([1], [2, 3])
    assert array.tolist() == [0.0, 1.0, 2.0]
    assert tensor.tolist() == [0.0, 1.0, 2.0]
    assert vars(holder) == {"value": inner}


def test_a_students_function_in_a_function_of_the_tests_holds_nothing_here(two: Pair) -> None:
    two.write("def counted(f): return lambda n: f(n) + 1")
    two.test["counted"] = two["counted"]
    two.run("@counted\ndef depth(n): return n and depth(n - 1)\ninner = lambda n: depth(n)")
    keepsakes = Keepsakes()
    keepsakes.learn({"a": [1], "b": two.test["inner"], "c": two.test["depth"]})
    two.crossing.before_use = keepsakes.note_all  # type: ignore[method-assign]  # as in a tester
    assert two.test["depth"](5) == 6
    assert two.test["depth"](200) == 201
    with pytest.raises(RecursionError, match="between the kernels"):
        two.test["depth"](1000)
    assert two.test["depth"](2) == 3
    assert two.test["inner"](5) == 6


def test_an_abstract_property_is_a_students_to_define() -> None:
    source = """
    import abc
    class Shape(abc.ABC):
        made = []
        sides = 0
        def __init_subclass__(cls): Shape.made.append(cls.sides)
        @property
        @abc.abstractmethod
        def name(self): ...
        def describe(self): return f"{self.name} of {self.sides} sides"
    """
    with pair() as two:
        two.share(source)
        two.crossing.overrides = {"name"}
        two.write("class Square(Shape):\n    sides = 4\n    name = property(lambda self: 'square')")
        square = two["Square"]()
        assert (square.name, square.describe()) == ("square", "square of 4 sides")
        assert isinstance(square, two.test["Shape"])
        assert two.test["Shape"].made == [4]


def test_a_large_value_takes_no_room_from_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undoing, "_MOST", 200)
    small, large = [[1]], [[n] for n in range(500)]
    held, complete = undoing._reached([large, small, {"a": large}])
    assert not complete
    assert {id(small), id(small[0]), id(large)} <= held.keys()
    _, complete = undoing._reached([[(n, "text") for n in range(1000)], small])
    assert complete, "tuples of numbers and texts do not change"


def test_what_holds_the_instructors_data_is_looked_through() -> None:
    data: dict[str, list[int]] = {"a": [1]}
    holders: list[Any] = [
        functools.partial(print, data),
        data.setdefault,
        data.values(),
        types.MappingProxyType(data),
        map(len, data.values()),
        (value for value in data.values()),
        collections.ChainMap(data),
        functools.lru_cache(lambda: data),
        lambda: lambda: DATA,
    ]
    for holder in holders[:-1]:
        assert id(data["a"]) in undoing._reached([holder])[0], holder
    assert id(DATA) in undoing._reached([holders[-1]])[0]


DATA = [1]


def test_a_table_of_a_class_is_hidden_only_where_its_text_assigns_it() -> None:
    source = """
    class Sheet:
        KEY, SIZES, notes, limit, weights = [3, 1], (1, 2), [], 5, {"a": 1}
        def resize(self): self.SIZES = (3,)
    """
    with pair() as two:
        two.share(source)
        two.crossing.instances.learn(textwrap.dedent(source))
        two.crossing.instances.assigned.add("weights")  # as the reference does
        two.crossing.overrides = {"SIZES"}
        two.write(
            """
            def make():
                made = Sheet()
                made.KEY, made.SIZES, made.notes, made.limit, made.weights = [0], (4,), [1], 6, {}
                return made
            class Mine(Sheet):
                KEY, SIZES, limit = [0], (4,), 6
            """
        )
        made, mine = two["make"](), two["Mine"]()
        assert (made.KEY, made.SIZES, made.notes, made.limit) == ([3, 1], (4,), [1], 6)
        assert made.weights == {}
        assert (mine.KEY, mine.SIZES, mine.limit) == ([3, 1], (4,), 6)
