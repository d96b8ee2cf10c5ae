"""Values that came from the other side by name or attribute, and were changed here in place.

In one kernel `agent.Q[s] = 1` changes the agent. Here `agent.Q` is a copy, so what became of the
copy goes along with the next message, and its owner does the same to the original.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Callable, Iterator
from typing import Any

from .changes import become
from .values import CannotCross, Encoder
from .wire import WireError

LARGEST = 2**20  # bytes of a value that is watched
MOST = 256


class _Looks:
    """What a value looked like, asked with every message: so in C where nothing has changed."""

    def __init__(self, value: Any) -> None:
        self._quick = _quick(value)
        self._print = fingerprint(value)

    @property
    def known(self) -> bool:
        """Whether it can be said at all whether the value changes."""
        return self._print is not None

    def changed(self, value: Any) -> bool:
        """Whether the value looks different from when this was last asked."""
        quick = _quick(value)
        if quick is not None and quick == self._quick:
            return False
        self._quick, before = quick, self._print
        now = fingerprint(value)
        if now is None or now == before:
            return False
        self._print = now
        return True


def _quick(value: Any) -> Any:
    """Equal for a value that has not changed; None where this cannot be said."""
    if type(value).__name__ == "ndarray":
        return None if value.dtype.hasobject else (value.dtype, value.shape, value.tobytes())
    try:
        return marshal.dumps(value, 2)  # a later version writes the same value in several ways
    except ValueError:
        return None


class Lent:
    """The copies of one cell.

    A copy is known by where it came from: a name, or an object and its attribute.
    """

    def __init__(self) -> None:
        self._copies: dict[Any, tuple[Any, Any, _Looks]] = {}

    def clear(self) -> None:
        """Forget all."""
        self._copies.clear()

    def note(self, place: Any, value: Any) -> None:
        """Watch a value that has just arrived from `place`."""
        if type(value) in _WATCHED or type(value).__name__ == "ndarray":
            looks = _Looks(value)
            if looks.known and len(self._copies) < MOST:
                self._copies[_key(place)] = (place, value, looks)

    def changed(self) -> Iterator[tuple[Any, Any]]:
        """Places and values of those that look different now."""
        for place, value, looks in list(self._copies.values()):
            if looks.changed(value):
                yield place, value


class Lasting:
    """Arguments that the student's code has kept: a log that a decorator goes on writing to.

    Both sides hold their own copy under one number, and pass on what became of it.

    Args:
        before: called with a value of this side that is about to be changed.
    """

    def __init__(self, before: Callable[[Any], None]) -> None:
        self._before = before
        self._held: dict[int, tuple[Any, _Looks]] = {}
        self._new: list[list[int]] = []
        self._next = 0

    def clear(self) -> None:
        """Forget all."""
        self._held.clear()

    def keep(self, number: int, value: Any) -> None:
        """Hold an argument, by its number in the message that is being answered."""
        looks = _Looks(value) if type(value) in _WATCHED else None
        if looks is not None and looks.known and len(self._held) < MOST:
            self._next += 1
            self._held[self._next] = (value, looks)
            self._new.append([number, self._next])

    def outgoing(self, encoder: Encoder) -> Any:
        """New ones, and those that look different now; None where there is neither."""
        new, self._new = self._new, []
        changed = []
        for token, (value, looks) in self._held.items():
            if looks.changed(value):
                changed.append([token, encoder.encode(_copy(value))])
        return [new, changed] if new or changed else None

    def incoming(self, node: Any, decoder: Any) -> None:
        """Take in what `outgoing` wrote; raises WireError for what it never writes."""
        if type(node) is not list or [type(part) for part in node] != [list, list]:
            raise WireError("a malformed note of what is kept")
        for entry in node[0]:
            number, token = _pair(entry)
            if not 0 <= number < len(decoder.objects) or len(self._held) >= MOST:
                raise WireError("a malformed note of what is kept")
            value = decoder.objects[number]
            if type(value) in _WATCHED:
                self._held[token] = (value, _Looks(value))
        for entry in node[1]:
            token, new = entry[0], decoder.decode(entry[1])
            value = self._held.get(token, (None, None))[0] if type(token) is int else None
            if value is not None and type(value) is type(new):
                self._before(value)
                become(value, new)
                self._held[token] = (value, _Looks(value))


def _pair(entry: Any) -> tuple[int, int]:
    if type(entry) is not list or [type(part) for part in entry] != [int, int]:
        raise WireError("a malformed note of what is kept")
    return entry[0], entry[1]


def _copy(value: Any) -> Any:
    return value.copy()


_WATCHED = frozenset({list, dict, set, bytearray})


def _key(place: Any) -> Any:
    return place if isinstance(place, str) else (id(place[0]), place[1])


def fingerprint(value: Any, *, inside: bool = False) -> Any:
    """What plain data looks like; None for other objects and for large ones.

    Args:
        value: any object.
        inside: look into objects of the notebook's own classes, too.
    """
    encoder = Encoder(_state if inside else _refuse)
    try:
        node = json.dumps(encoder.encode(value))
    except (CannotCross, ValueError):
        return None
    if len(node) + sum(memoryview(buffer).nbytes for buffer in encoder.buffers) > LARGEST:
        return None
    return node, [bytes(buffer) for buffer in encoder.buffers]


def _state(value: Any, encoder: Encoder) -> Any:
    kind = type(value)
    mirror = hasattr(kind, "_twin_of") or hasattr(kind, "_crossing")
    if mirror or kind.__module__ != "__main__" or not kind.__dictoffset__ or kind is type:
        raise CannotCross
    encoder.number(value)
    return [kind.__name__, *(encoder.encode(part) for pair in vars(value).items() for part in pair)]


def _refuse(value: Any, encoder: Encoder) -> Any:
    raise CannotCross
