"""Finds the named wrong answer that gives the same as a student's, from the recorded calls.

This runs in the test kernel when all tests are over, in a child process of its own: a wrong answer
that hangs, crashes or changes something ends with that child, and nothing else notices.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import resource
import select
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .errors import AnswerGone, find, names_of
from .keeping import FAR, World, distance
from .recording import Call, result_tensors

ONE_REPLAY = 4.0  # seconds for one call of one wrong answer
ONE_TEST = 20.0  # seconds for all of a test
_MEMORY = 2**30  # bytes that a replay may take more
_ANSWER = 2**16  # bytes of what the child says
_SAME = 10.0  # units of `distance` within which a wrong answer agrees
_APART = 1.0  # units of `distance` beyond which the reference does not
_CLEARLY = 10.0  # how many times closer the wrong answer must be


@dataclass(frozen=True)
class Wrong:
    """One wrong answer: its name, the function that it replaces, and its definition."""

    name: str
    function: str
    source: str


class _TooLong(BaseException):
    """A replay took longer than it may. No `except Exception` of what is replayed catches it."""


def diagnose(
    calls: list[Call], names: dict[str, Any], reference: list[str], wrong: list[Wrong]
) -> str:
    """The name of the wrong answer that the recorded calls agree with, or "".

    It must give what the student's function gave in every call, and the reference must not in at
    least one. Of several the closest is taken; those that are equally close cannot be told apart
    by this test, and the first of them in the catalogue's order stands for all.

    Args:
        calls: as recorded while the test ran.
        names: of the test kernel, as the test left them; changed here.
        reference: the instructor's solution cells, in order.
        wrong: the catalogue.
    """
    base = dict(names)
    with _quiet():
        for source in reference:
            _define(source, base)
        found: list[tuple[float, str]] = []
        for function in dict.fromkeys(call.function for call in calls):
            asked = [call for call in calls if call.function == function]
            asked, apart = _replay(asked, base, function)
            if max(apart, default=0.0) <= _APART:
                continue
            order = _telling_first(asked, apart)
            for each in wrong:
                if each.function == function:
                    own = dict(base)
                    error = _define(each.source, own)
                    if error is None:
                        far = _agrees([asked[at] for at in order], own, function)
                        if far is not None and _CLEARLY * far < max(apart):
                            found.append((far, each.name))
    return min(found, key=lambda entry: entry[0])[1] if found else ""


def in_child(work: Callable[[], str], seconds: float) -> str:
    """What `work` returns in a child process; "" where it fails or takes longer."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads, which the child does not use
        child = os.fork()
    if child == 0:
        _be_child(work, writing)
    os.close(writing)
    try:
        said = _read(reading, time.monotonic() + seconds)
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with contextlib.suppress(ValueError):
        return str(json.loads(said))
    return ""


def _be_child(work: Callable[[], str], writing: int) -> None:
    """Do the work, say what came of it, and end without a trace."""
    try:
        signal.set_wakeup_fd(-1)  # it is shared with the kernel
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        with contextlib.suppress(OSError, ValueError):
            with open("/proc/self/statm", encoding="ascii") as file:
                pages = int(file.read().split()[0])
            most = pages * resource.getpagesize() + _MEMORY
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
        os.write(writing, json.dumps(work()).encode())
    finally:
        os._exit(0)


def _read(descriptor: int, deadline: float) -> bytes:
    said = b""
    while len(said) < _ANSWER:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            return b""
        part = os.read(descriptor, _ANSWER)
        if not part:
            return said
        said += part
    return b""


def _define(source: str, names: dict[str, Any]) -> Exception | None:
    try:
        with _limited():
            exec(compile(source, "<catalogue>", "exec"), names)  # noqa: S102 -- the instructor's
    except Exception as error:
        return error
    except _TooLong:
        return TimeoutError()
    return None


def _telling_first(calls: list[Call], apart: list[float]) -> list[int]:
    """An order in which a wrong answer that does not agree is soon found out."""
    if any(call.states or _draws(call) for call in calls):
        return list(range(len(calls)))  # random numbers go on from call to call
    return sorted(range(len(calls)), key=lambda at: apart[at] <= _APART)


def _draws(call: Call) -> bool:
    waiting = [call.given]
    while waiting:
        kept = waiting.pop()
        if kept.kind == "generator":
            return True
        if kept.kind in ("sequence", "named tuple"):
            waiting += kept.held
        elif kept.kind in ("mapping", "dataclass"):
            waiting += [item for _, item in kept.held]
    return False


def _replay(
    calls: list[Call], names: dict[str, Any], function: str
) -> tuple[list[Call], list[float]]:
    """Those calls that can be replayed, and how far what the reference does is from each.

    A function of the test's that asks the student's kernel cannot be.
    """
    world, kept, far = World(), [], []
    for call in calls:
        with contextlib.suppress(AnswerGone):
            far.append(_distance_of(call, names.get(function), world))
            kept.append(call)
    return kept, far


def _agrees(calls: list[Call], names: dict[str, Any], function: str) -> float | None:
    """How far the farthest call is from the recorded one; None where one does not agree."""
    world, farthest = World(), 0.0
    for call in calls:
        far = _distance_of(call, names.get(function), world)
        if far > _SAME:
            return None
        farthest = max(farthest, far)
    return farthest


def _distance_of(call: Call, function: Any, world: World) -> float:
    world.begin()
    _set_states(call.states)
    arguments, options = world.make(call.given)
    passed = dict(world.leaves)
    result = None
    try:
        with _limited(), _gradients(call.recording_gradients):
            result = function(*arguments, **options)
    except Exception as error:
        if call.error is None or find(names_of(type(error))) is not find(names_of(call.error)):
            return FAR
    except _TooLong:
        return FAR
    else:
        if call.result is None:
            return FAR
    far = 0.0 if call.result is None else distance(result, call.result)
    if call.left is not None:
        far = max(far, distance((arguments, options), call.left))
    if far < FAR and call.passes:
        far = max(far, _distance_of_gradients(call, result, passed, world))
    return far


def _distance_of_gradients(call: Call, result: Any, passed: dict[int, Any], world: World) -> float:
    torch = sys.modules["torch"]
    try:
        tensors = list(result_tensors(result))
        far = 0.0
        for each in call.passes:
            numbers = list(each.left)
            with _limited():
                found = torch.autograd.grad(
                    [tensors[number] for number in each.arrived],
                    [passed[number] for number in numbers],
                    [world.make(kept) for kept in each.arrived.values()],
                    retain_graph=True,
                    allow_unused=True,
                )
            for number, gradient in zip(numbers, found, strict=True):
                far = max(far, distance(gradient, each.left[number]))
    except (Exception, _TooLong):
        return FAR
    return far


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
def _limited() -> Iterator[None]:
    def stop(_number: int, _frame: Any) -> None:
        raise _TooLong

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, ONE_REPLAY)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextlib.contextmanager
def _gradients(recorded: bool) -> Iterator[None]:
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "set_grad_enabled"):
        yield
        return
    with torch.set_grad_enabled(recorded):
        yield


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield
