"""What a mirror has from the instructor's classes that a student's class extends.

Their methods run in the test kernel, on the mirror: neither are they replaced, nor do their
arguments reach the student's kernel. Only what the reference solution defines anew is the
student's, and all that is data.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Collection
from typing import Any

from .instances import is_table
from .special import SPECIALS

_METHODS = (types.FunctionType, classmethod, staticmethod, property)


class Asked:
    """An attribute of a class that is asked of the other side, of the class and of its objects.

    Args:
        name: of the attribute.
        computed: it is a property, so that the class says it only when it has been made: before
            that Python looks whether it is an abstract one.
    """

    __isabstractmethod__ = False

    def __init__(self, name: str, *, computed: bool = False) -> None:
        self._name = name
        self._computed = computed

    def __get__(self, instance: Any, owner: Any) -> Any:
        asked = owner if instance is None else instance
        crossing = asked._crossing
        if instance is None and crossing.mirrors.number_of(owner) is None and self._computed:
            return self
        return crossing.peer.ask("attr", asked, self._name)


def inherited(
    locked: list[type],
    overrides: Collection[str] | None,
    passed_on: Callable[[str], Callable[..., Any]],
) -> dict[str, Any]:
    """The attributes that a mirror's class has from the instructor's classes.

    Args:
        locked: those classes, nearest first.
        overrides: names that classes of the reference define, and with a dot before them
            attributes that it assigns; None where nobody says, so that
            whatever a student's class defines is the student's.
        passed_on: makes a method that is asked of the other side.
    """
    body: dict[str, Any] = {}
    for kind in locked:
        for name, found in vars(kind).items():
            if name in body or (name.startswith("__") and name not in SPECIALS):
                continue
            if not (callable(found) or hasattr(type(found), "__get__")):
                theirs = overrides is None or not {name, f".{name}"}.isdisjoint(overrides)
                body[name] = Asked(name) if theirs or not is_table(found) else found
            elif overrides is None or name in overrides:
                if name not in SPECIALS and isinstance(found, types.FunctionType):
                    body[name] = passed_on(name)
                elif isinstance(found, property | functools.cached_property):
                    body[name] = Asked(name, computed=True)
            elif isinstance(found, functools.cached_property):
                body[name] = property(found.func)
            elif isinstance(found, _METHODS):
                body[name] = found
    return body
