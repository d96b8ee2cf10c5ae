"""Classes of named tuples: their fields are plain data, their methods stay on the other side."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .mirror import passing, special_of
from .special import COMPARING, MEETING
from .values import CannotCross
from .wire import WireError

if TYPE_CHECKING:
    from .crossing import Crossing

_SHOWING = frozenset({"__str__", "__repr__", "__format__", "__neg__", "__abs__"})
"""What its class may say of it; what it holds is read here."""


def make_tuple(name: str, fields: list[str], defaults: Any = ()) -> type:
    """A named tuple's class like that of the other side."""
    try:
        return collections.namedtuple(name, fields, defaults=defaults, module="__main__")
    except (TypeError, ValueError):
        raise WireError("a malformed named tuple") from None


def with_methods(crossing: Crossing, base: Any, specials: list[str]) -> type:
    """The class of a named tuple that the other side's notebook has defined.

    Its fields are plain data, its methods are asked for. It compares as a tuple does.
    """

    def read(self: Any, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return crossing.peer.ask("attr", self, name)

    body: dict[str, Any] = {"__slots__": (), "__module__": "__main__", "__getattr__": read}
    body["_crossing"] = crossing
    for special in MEETING.intersection(specials):
        body[special] = _meeting(special)
    for special in _SHOWING.intersection(specials):
        body[special] = passing(special)
    return type(base.__name__, (base,), body)


def _meeting(name: str) -> Callable[..., Any]:
    def method(self: Any, other: Any) -> Any:
        if name in COMPARING or type(other) is not type(self):
            raise CannotCross(
                f"{name} of the named tuple {type(self).__name__} would decide the result of a "
                f"test's {type(other).__name__}"
            )
        return special_of(self, name, other)

    method.__name__ = name
    return method
