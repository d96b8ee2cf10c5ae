"""Asks the student's function some more, where a failed test told too little about it.

A test ends with its first failure, which may be its first call. Other wrong answers than the
student's may give the same there. So the test is run once more, with the reference in the place of
the student's functions, to learn what it would have asked; and what tells the suspects from the
reference is put to the student's function too. All tests are over by then: no outcome depends on
this.
"""

from __future__ import annotations

import contextlib
import copy
import functools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from .diagnosing import APART, ONE_TEST, SAME, Replays, Suspect, TooLong
from .errors import AnswerGone, AnswerInterrupted
from .functions import RemoteFunction
from .keeping import World
from .peer import Peer
from .recording import Call, Recorder
from .values import CannotCross

ENOUGH = 4
"""Calls that must tell a single suspect from the reference before it is believed."""
MOST = 16
"""Questions to the student's function for one test."""
Asked = Callable[[tuple[Any, ...], dict[str, Any]], Any]


def believable(suspects: list[Suspect]) -> bool:
    """Whether the recorded calls say enough."""
    return not suspects or (len(suspects) == 1 and suspects[0].told >= ENOUGH)


def students_functions(peer: Peer, names: set[str], replays: Replays) -> dict[str, Asked]:
    """Those of these functions that the answer kernel still has."""
    found: dict[str, Asked] = {}
    with contextlib.suppress(Exception, AnswerGone, AnswerInterrupted, TooLong), replays.limited():
        for name in names:
            for function in peer.ask("name", name):
                if type(function) is RemoteFunction:
                    found[name] = functools.partial(peer.ask, "call", function)
    return found


def further_calls(
    known: Mapping[str, int], reference: dict[str, Any], test: Any, replays: Replays
) -> list[Call]:
    """What else a test asks of the reference, if it goes to its end.

    Args:
        known: how many calls of each function the failed test has made.
        reference: the notebook's names, with the instructor's solutions.
        test: the compiled test cell.
        replays: whose time it takes.
    """
    recorder = Recorder(lambda value: False, dict)
    recorder.start(list(known))
    names = dict(reference)
    for function in known:
        names[function] = _recorded(recorder, function, reference[function])
    with contextlib.suppress(Exception, TooLong), replays.limited(ONE_TEST / 2):
        exec(test, names)  # noqa: S102 -- the instructor's
    passed: Counter[str] = Counter()
    found = []
    for call in recorder.take():
        passed[call.function] += 1
        if passed[call.function] > known[call.function]:
            found.append(replace(call, passes=[]))  # of gradients nothing more is asked
    return found


def narrowed(
    suspects: list[Suspect],
    calls: list[Call],
    students: dict[str, Asked],
    replays: Replays,
    told: Callable[[Any, Any], Any] | None = None,
) -> list[Suspect]:
    """Those suspects that go on to give what the student's function gives.

    Args:
        suspects: who agree with all recorded calls.
        calls: what else there is to ask, as the reference answered.
        students: the student's functions.
        replays: whose time it takes.
        told: the state that goes over for a random generator in a state.
    """
    left = [copy.copy(each) for each in suspects]
    asked = 0
    for call in calls:
        if asked >= MOST or believable(left) or replays.over:
            break
        telling = [each for each in left if each.function == call.function]
        apart = [replays.distance_of(call, each.names[each.function], World()) for each in telling]
        if max(apart, default=0.0) <= APART:
            continue
        answer = _ask(call, students[call.function], replays, told)
        if answer is None:
            break
        asked += 1
        for each, far in zip(telling, apart, strict=True):
            given = replays.distance_of(answer, each.names[each.function], World())
            if given > SAME:
                left.remove(each)
            each.told += far > APART
    return left


def _ask(
    call: Call, student: Asked, replays: Replays, told: Callable[[Any, Any], Any] | None
) -> Call | None:
    """The same call of the student's function; None where there is no answer any more."""
    recorder = Recorder(lambda value: False, dict, told)
    recorder.start([call.function])
    arguments, options = World().make(call.given)
    try:
        with replays.limited():
            recorder.call(call.function, student, arguments, options)
    except CannotCross:
        return None
    except Exception:  # noqa: S110 -- recorded, like any answer
        pass
    except (TooLong, AnswerGone, AnswerInterrupted):
        return None
    found = recorder.take()
    return found[0] if found else None


def _recorded(recorder: Recorder, name: str, function: Any) -> Any:
    def ask(arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        return function(*arguments, **options)

    def asked(*arguments: Any, **options: Any) -> Any:
        return recorder.call(name, ask, arguments, options)

    return asked
