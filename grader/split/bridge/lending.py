"""Values that came from the other side by name or attribute, and were changed here in place.

In one kernel `agent.Q[s] = 1` changes the agent. Here `agent.Q` is a copy, so what became of the
copy goes along with the next message, and its owner does the same to the original.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .values import CannotCross, Encoder

LARGEST = 2**20  # bytes of a value that is watched
MOST = 256


class Lent:
    """The copies of one cell.

    A copy is known by where it came from: a name, or an object and its attribute.
    """

    def __init__(self) -> None:
        self._copies: dict[Any, tuple[Any, Any, Any]] = {}

    def clear(self) -> None:
        """Forget all."""
        self._copies.clear()

    def note(self, place: Any, value: Any) -> None:
        """Watch a value that has just arrived from `place`."""
        if type(value) in _WATCHED or type(value).__name__ == "ndarray":
            looks = fingerprint(value)
            if looks is not None and len(self._copies) < MOST:
                self._copies[_key(place)] = (place, value, looks)

    def changed(self) -> Iterator[tuple[Any, Any]]:
        """Places and values of those that look different now."""
        for key, (place, value, before) in list(self._copies.items()):
            now = fingerprint(value)
            if now is not None and now != before:
                self._copies[key] = (place, value, now)
                yield place, value


_WATCHED = frozenset({list, dict, set, bytearray})


def _key(place: Any) -> Any:
    return place if isinstance(place, str) else (id(place[0]), place[1])


def fingerprint(value: Any) -> Any:
    """What plain data looks like; None for other objects and for large ones."""
    encoder = Encoder(_refuse)
    try:
        node = json.dumps(encoder.encode(value))
    except (CannotCross, ValueError):
        return None
    if len(node) + sum(memoryview(buffer).nbytes for buffer in encoder.buffers) > LARGEST:
        return None
    return node, [bytes(buffer) for buffer in encoder.buffers]


def _refuse(value: Any, encoder: Encoder) -> Any:
    raise CannotCross
