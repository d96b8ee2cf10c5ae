"""What a test asked of the functions that have named wrong answers, and what it got.

Recorded in the test kernel, from what the test passes and receives; nothing is asked for it. After
a failed test `diagnosing` puts the same questions to each wrong answer of the catalogue.
"""

from __future__ import annotations

import contextlib
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .keeping import Keeper, Kept, distance
from .values import CannotCross

FIRST, LAST = 200, 50
"""Calls of a cell that are kept: the first ones, and those before its end."""
LARGEST = 32 * 2**20  # bytes, of the calls of one cell, and of all failed tests
_LARGE = 2**22  # bytes


@dataclass
class Gradients:
    """One backward pass: what arrived at the results, and what came out at the arguments."""

    arrived: dict[int, Kept] = field(default_factory=dict)
    left: dict[int, Kept] = field(default_factory=dict)


@dataclass
class Call:
    """One call of a student's function.

    Attributes:
        function: the name that the test knows it by.
        given: its arguments as they were: a tuple of positional ones, and named ones.
        states: of the global random generators, where the answer kernel had them set before.
        recording_gradients: whether PyTorch was to record gradients.
        result: what it returned, or None where it raised `error`.
        left: the arguments after the call.
        passes: backward passes through the result.
        size: bytes, roughly.
    """

    function: str
    given: Kept
    states: dict[str, Any]
    recording_gradients: bool
    result: Kept | None = None
    error: type[BaseException] | None = None
    left: Kept | None = None
    passes: list[Gradients] = field(default_factory=list)
    size: int = 0


class Recorder:
    """Keeps the calls of one cell, within bounds.

    Args:
        is_foreign: whether a value is a mirror.
        states: takes the states of global generators that were sent since it was last asked.
        told: the state that goes over for a random generator in a state.
    """

    def __init__(
        self,
        is_foreign: Callable[[Any], bool],
        states: Callable[[], dict[str, Any]],
        told: Callable[[Any, Any], Any] | None = None,
    ) -> None:
        self._is_foreign = is_foreign
        self._told = told
        self._states = states
        self._names: frozenset[str] = frozenset()
        self._busy = False
        self._first: list[Call] = []
        self._last: deque[Call] = deque()
        self._size = 0

    def start(self, names: list[str]) -> None:
        """A new cell begins, in which calls of these functions are recorded."""
        self._names = frozenset(names)
        self._first, self._last, self._size = [], deque(), 0

    def take(self) -> list[Call]:
        """The calls of the cell, in order; they are recorded no longer."""
        found = [*self._first, *self._last]
        self.start([])
        return found

    def watch(self, name: str, function: Any) -> None:
        """Record calls of a student's function, if this cell is to know it."""
        if name in self._names:
            function.__dict__["_recorded"] = (self, name)

    def call(
        self,
        name: str,
        ask: Callable[[tuple[Any, ...], dict[str, Any]], Any],
        arguments: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        """What `ask` returns or raises, recorded where it can be."""
        if self._busy or name not in self._names:
            return ask(arguments, options)
        before = Keeper(self._is_foreign, self._told)
        try:
            given = before.keep((arguments, options))
        except Exception:  # of whatever a value does; the test must not notice
            return ask(arguments, options)
        call = Call(name, given, {}, _recording_gradients())
        self._busy = True
        try:
            result = ask(arguments, options)
        except CannotCross:
            raise
        except Exception as error:
            call.error = type(error)
            self._finish(call, before, arguments, options)
            raise
        finally:
            self._busy = False
        self._finish(call, before, arguments, options, (result,))
        return result

    def _finish(
        self,
        call: Call,
        before: Keeper,
        arguments: tuple[Any, ...],
        options: dict[str, Any],
        results: tuple[Any, ...] = (),
    ) -> None:
        call.states = self._states()
        after = Keeper(self._is_foreign, self._told)
        try:
            if results:
                call.result = after.keep(results[0])
                _watch_gradients(call, before.leaves, after.leaves)
            call.left = call.given
            if distance((arguments, options), call.given):
                call.left = after.keep((arguments, options))
        except Exception:  # as above
            return
        call.size = before.size + after.size
        if call.size <= LARGEST // 4:
            self._add(call)

    def _add(self, call: Call) -> None:
        if len(self._first) < FIRST and self._size + call.size <= LARGEST // 2:
            self._first.append(call)
        else:
            self._last.append(call)
        self._size += call.size
        while self._last and (len(self._last) > LAST or self._size > LARGEST):
            self._size -= self._last.popleft().size


class Failed(NamedTuple):
    """A failed test: its calls, the kernel's names as it left them, and its cell."""

    calls: list[Call]
    names: dict[str, Any]
    source: str


def snapshot(names: dict[str, Any]) -> dict[str, Any]:
    """The names without large data, which a later cell may want to be rid of."""
    return {
        name: value
        for name, value in dict.items(names)
        if type(value).__module__ not in ("numpy", "torch") or getattr(value, "nbytes", 0) <= _LARGE
    }


def result_tensors(value: Any) -> Iterator[Any]:
    """The tensors in a result that have a gradient, in the order of `Keeper.leaves`."""
    keeper = Keeper(lambda _value: False)
    keeper.keep(value)
    yield from keeper.leaves


def _watch_gradients(call: Call, arguments: list[Any], results: list[Any]) -> None:
    """Note what a test's backward passes bring to these tensors."""
    if not arguments or not results:
        return

    def arrived(number: int, gradient: Any) -> None:
        if not call.passes or call.passes[-1].left or number in call.passes[-1].arrived:
            call.passes.append(Gradients())
        with contextlib.suppress(Exception):  # it runs in a test's backward pass
            call.passes[-1].arrived[number] = _kept(gradient)

    def left(number: int, gradient: Any) -> None:
        if call.passes and number not in call.passes[-1].left:
            with contextlib.suppress(Exception):
                call.passes[-1].left[number] = _kept(gradient)

    for number, tensor in enumerate(results):
        if tensor.grad_fn is not None:
            tensor.register_hook(lambda gradient, n=number: arrived(n, gradient))
    for number, tensor in enumerate(arguments):
        tensor.register_hook(lambda gradient, n=number: left(n, gradient))


def _kept(gradient: Any) -> Kept:
    return Keeper(lambda _value: False).keep(gradient.detach())


def _recording_gradients() -> bool:
    torch = sys.modules.get("torch")
    return torch is None or not hasattr(torch, "is_grad_enabled") or torch.is_grad_enabled()
