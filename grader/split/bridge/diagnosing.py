"""Finds the named wrong answer that gives the same as a student's, from the recorded calls.

This runs in the test kernel when all tests are over, in a child process (see `child`).
"""

from __future__ import annotations

import contextlib
import random
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .errors import AnswerGone, find, names_of
from .keeping import FAR, Kept, World, distance
from .recording import Call, result_tensors

ONE_REPLAY = 4.0  # seconds for one call of one wrong answer
ONE_TEST = 20.0  # seconds for all of a test
ALL_TESTS = 30.0  # seconds for all of a notebook
SAME = 10.0  # units of `distance` within which a wrong answer agrees
APART = 1.0  # units of `distance` beyond which the reference does not
_CLEARLY = 10.0  # how many times closer the wrong answer must be


@dataclass(frozen=True)
class Wrong:
    """One wrong answer: its name, the function that it replaces, and its definition."""

    name: str
    function: str
    source: str


@dataclass
class Suspect:
    """A wrong answer that gave what the student's function gave in every recorded call.

    Attributes:
        name: of the catalogue.
        function: that it replaces.
        names: in which it is defined under that name.
        far: how far from the student's its farthest result is.
        told: calls that tell it from the reference.
    """

    name: str
    function: str
    names: dict[str, Any]
    far: float
    told: int


class TooLong(BaseException):
    """A replay took longer than it may. No `except Exception` of what is replayed catches it."""


class Replays:
    """Calls the reference and wrong answers as a test called the student's functions.

    Args:
        seconds: for all of it; what is begun later fails at once.
    """

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._deadline

    def suspects(
        self, calls: list[Call], reference: dict[str, Any], wrong: list[Wrong]
    ) -> list[Suspect]:
        """The wrong answers that the recorded calls agree with, in the catalogue's order.

        Each gives what the student's function gave in every call, and the reference does not in
        at least one. Where some are clearly closer than others, those others are left out.

        Args:
            calls: as recorded while the test ran.
            reference: the notebook's names, with the instructor's solutions.
            wrong: the catalogue.
        """
        found = []
        for function in dict.fromkeys(call.function for call in calls):
            asked = [call for call in calls if call.function == function]
            asked, apart = self._replay(asked, reference, function)
            if max(apart, default=0.0) <= APART:
                continue
            told = sum(far > APART for far in apart)
            order = _telling_first(asked, apart)
            for each in wrong:
                if each.function != function:
                    continue
                own = dict(reference)
                if not self.define(each.source, own):
                    continue
                far = self._agrees([asked[at] for at in order], own, function)
                if far is not None and _CLEARLY * far < max(apart):
                    found.append(Suspect(each.name, function, own, far, told))
        closest = min((each.far for each in found), default=0.0)
        return [each for each in found if each.far <= APART + _CLEARLY * closest]

    def define(self, source: str, names: dict[str, Any]) -> bool:
        """Run definitions of the instructor's in `names`; whether that worked."""
        try:
            with self.limited():
                exec(compile(source, "<catalogue>", "exec"), names)  # noqa: S102 -- as any cell
        except (Exception, TooLong):
            return False
        return True

    def _replay(
        self, calls: list[Call], names: dict[str, Any], function: str
    ) -> tuple[list[Call], list[float]]:
        """Those calls that can be replayed, and how far what the reference does is from each.

        A function of the test's that asks the student's kernel cannot be.
        """
        world, kept, far = World(), [], []
        for call in calls:
            with contextlib.suppress(AnswerGone):
                far.append(self.distance_of(call, names.get(function), world))
                kept.append(call)
        return kept, far

    def _agrees(self, calls: list[Call], names: dict[str, Any], function: str) -> float | None:
        """How far the farthest call is from the recorded one; None where one does not agree."""
        world, farthest = World(), 0.0
        for call in calls:
            far = self.distance_of(call, names.get(function), world)
            if far > SAME:
                return None
            farthest = max(farthest, far)
        return farthest

    def distance_of(self, call: Call, function: Any, world: World) -> float:
        """How far what `function` does is from what was recorded of a call."""
        world.begin()
        _set_states(call.states)
        arguments, options = world.make(call.given)
        passed = dict(world.leaves)
        result = None
        try:
            with self.limited(), _gradients(call.recording_gradients):
                result = function(*arguments, **options)
        except Exception as error:
            if call.error is None or find(names_of(type(error))) is not find(names_of(call.error)):
                return FAR
        except TooLong:
            return FAR
        else:
            if call.result is None:
                return FAR
        far = 0.0 if call.result is None else distance(result, call.result)
        if call.left is not None:
            far = max(far, distance((arguments, options), call.left))
        if far < FAR and call.passes:
            far = max(far, self._distance_of_gradients(call, result, passed, world))
        return far

    def _distance_of_gradients(
        self, call: Call, result: Any, passed: dict[int, Any], world: World
    ) -> float:
        torch = sys.modules["torch"]
        try:
            tensors = list(result_tensors(result))
            far = 0.0
            for each in call.passes:
                numbers = list(each.left)
                with self.limited():
                    found = torch.autograd.grad(
                        [tensors[number] for number in each.arrived],
                        [passed[number] for number in numbers],
                        [world.make(kept) for kept in each.arrived.values()],
                        retain_graph=True,
                        allow_unused=True,
                    )
                for number, gradient in zip(numbers, found, strict=True):
                    far = max(far, distance(gradient, each.left[number]))
        except (Exception, TooLong):
            return FAR
        return far

    @contextlib.contextmanager
    def limited(self, seconds: float | None = None) -> Iterator[None]:
        """Raises `TooLong` in the block when its time, or that of all replays, is up."""

        def stop(_number: int, _frame: Any) -> None:
            raise TooLong

        left = min(seconds or ONE_REPLAY, self._deadline - time.monotonic())
        if left <= 0:
            raise TooLong
        signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, left)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _telling_first(calls: list[Call], apart: list[float]) -> list[int]:
    """An order in which a wrong answer that does not agree is soon found out."""
    if any(call.states or _draws(call) for call in calls):
        return list(range(len(calls)))  # random numbers go on from call to call
    return sorted(range(len(calls)), key=lambda at: apart[at] <= APART)


def _draws(call: Call) -> bool:
    waiting: list[Kept] = [call.given]
    while waiting:
        kept = waiting.pop()
        if kept.kind == "generator":
            return True
        if kept.kind in ("sequence", "named tuple"):
            waiting += kept.held
        elif kept.kind in ("mapping", "dataclass"):
            waiting += [item for _, item in kept.held]
    return False


def _set_states(states: dict[str, Any]) -> None:
    for library, state in states.items():
        if library == "random":
            random.setstate(state)
        elif library == "numpy":
            sys.modules["numpy"].random.set_state(state)
        else:
            torch = sys.modules["torch"]
            torch.set_rng_state(torch.from_numpy(state.copy()))


@contextlib.contextmanager
def _gradients(recorded: bool) -> Iterator[None]:
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "set_grad_enabled"):
        yield
        return
    with torch.set_grad_enabled(recorded):
        yield
