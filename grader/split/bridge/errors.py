"""Exceptions between the kernels: by name, from a fixed list, never as code."""

from __future__ import annotations

import builtins
import collections
import dataclasses
import decimal
import json
import sys
from typing import Any

from .values import CannotCross

LONGEST = 2000  # characters of a message

_NEVER = {"SystemExit", "KeyboardInterrupt", "GeneratorExit", "BaseException"}
_NEVER |= {"BaseExceptionGroup", "ExceptionGroup", "StopIteration", "StopAsyncIteration"}
_NEVER |= {"UnicodeDecodeError", "UnicodeEncodeError", "UnicodeTranslateError"}
KNOWN: dict[str, type[Exception]] = {
    f"builtins.{name}": found
    for name, found in vars(builtins).items()
    if isinstance(found, type) and issubclass(found, Exception) and name not in _NEVER
}
KNOWN |= {
    "json.decoder.JSONDecodeError": ValueError,
    "dataclasses.FrozenInstanceError": dataclasses.FrozenInstanceError,
    "decimal.InvalidOperation": decimal.InvalidOperation,
    "decimal.DivisionByZero": decimal.DivisionByZero,
}
_COLLECTIONS = {
    f"collections.{kind.__name__}": kind
    for kind in (
        collections.OrderedDict,
        collections.Counter,
        collections.deque,
        collections.defaultdict,
    )
}
_FUNCTIONS = {
    f"builtins:{function.__name__}": function
    for function in (abs, all, any, divmod, len, max, min, round, sorted, sum)
}
SHARED: dict[str, Any] = {**KNOWN, **_COLLECTIONS, **_FUNCTIONS}
"""Classes and functions that are the same on both sides, which either may name."""
_LIBRARY = {
    "numpy.linalg.LinAlgError": ("numpy.linalg", "LinAlgError"),
    "numpy.exceptions.AxisError": ("numpy.exceptions", "AxisError"),
}
assert json.JSONDecodeError.__module__ == "json.decoder"  # noqa: S101 -- the name used above


class AnswerInterrupted(BaseException):
    """The other kernel was interrupted while it worked for this one."""


class AnswerGone(BaseException):
    """The other kernel is dead, or broke the protocol."""


class CrossingAttributeError(CannotCross, AttributeError):
    """An attribute that stays on the other side."""


def names_of(kind: type[BaseException]) -> list[str]:
    """Qualified names of a class and its bases, nearest first."""
    return [f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__[:20]]


def find(names: Any) -> type[Exception]:
    """The first known class among `names`, or RuntimeError."""
    for name in names if type(names) is list else []:
        if type(name) is str and (name in KNOWN or name in _LIBRARY):
            if name in KNOWN:
                return KNOWN[name]
            module, attribute = _LIBRARY[name]
            found = getattr(sys.modules.get(module), attribute, None)
            if found is not None:
                return found  # type: ignore[no-any-return]  # a class of NumPy's
    return RuntimeError


def build(kind: type[Exception], arguments: tuple[Any, ...]) -> Exception:
    """An exception of `kind` without running any constructor but its base's."""
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    return error


def short(text: object) -> str:
    """`text` as a string of bounded length."""
    return str(text)[:LONGEST]
