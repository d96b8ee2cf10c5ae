"""Plain data as nodes of a header plus raw buffers; `decoding` is the way back.

A node is a JSON scalar, which stands for itself, or an array whose first item is a tag. Objects
that can change (lists, dicts, sets, arrays, tensors ...) are numbered in the order in which they
are first met, alike on both sides, so a second mention is a reference, shared and circular
structures arrive as they were, and a reply can say what became of an argument.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import math
import pathlib
import sys
import uuid
from collections.abc import Callable
from typing import Any

MAX_DEPTH = 60
MAX_NODES = 500_000
MAX_KEYS = 100_000
MAX_DIGITS = 20_000  # hexadecimal, of one integer
MAX_COLLISIONS = 256  # keys of one hash in one table
ARRAY_KINDS = "biufcSUMm"
SMALL = 2**62
_NUMBERS = "biufc"
SMALL_BUFFER = 2**14  # bytes that are sooner copied than looked at in place


def _fraction(text: str) -> fractions.Fraction:
    """As `str` writes it; Fraction itself also reads 1e999999999, digit by digit."""
    return fractions.Fraction(*map(int, text.split("/")))


TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        *(bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset),
        *(range, slice, object, type(None), type(Ellipsis)),
    )
}
_TYPE_NAMES = {kind: name for name, kind in TYPES.items()}
TEXTS: dict[str, tuple[type, Callable[[str], Any]]] = {
    "decimal": (decimal.Decimal, decimal.Decimal),
    "fraction": (fractions.Fraction, _fraction),
    "date": (datetime.date, datetime.date.fromisoformat),
    "datetime": (datetime.datetime, datetime.datetime.fromisoformat),
    "time": (datetime.time, datetime.time.fromisoformat),
    "path": (type(pathlib.Path()), pathlib.Path),
    "purepath": (type(pathlib.PurePath()), pathlib.PurePath),
    "uuid": (uuid.UUID, uuid.UUID),
}
_TEXT_TAGS = {kind: tag for tag, (kind, _) in TEXTS.items()}


class CannotCross(TypeError):
    """A value that cannot pass between the kernels, in a sentence that says why."""


class Encoder:
    """Turns the values of one message into nodes.

    Args:
        export: makes a node for an object that has no plain form; gets this encoder too.
        known: objects that the receiver has numbered already, in that order.
    """

    def __init__(self, export: Callable[[Any, Encoder], Any], known: list[Any] | None = None):
        self.buffers: list[Any] = []
        self.objects: list[Any] = list(known or [])
        self._numbers = {id(found): at for at, found in enumerate(self.objects)}
        self._export = export
        self._depth = 0

    def encode(self, value: Any) -> Any:
        """The node of `value`.

        Raises:
            CannotCross: there is none.
        """
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int:
            return value if -SMALL < value < SMALL else ["i", _hex(value)]
        if kind is float:
            return value if math.isfinite(value) else ["f", repr(value)]
        if (number := self._numbers.get(id(value))) is not None:
            return ["r", number]
        if self._depth > MAX_DEPTH - 4:
            raise CannotCross(f"a {kind.__name__} nested more than {MAX_DEPTH - 4} deep")
        self._depth += 1
        try:
            return self._encode(value, kind)
        finally:
            self._depth -= 1

    def number(self, value: Any) -> None:
        """Give `value` the next number, since it can change or be met again."""
        self._numbers[id(value)] = len(self.objects)
        self.objects.append(value)

    def buffer(self, data: Any) -> int:
        """Add a raw buffer; returns its index."""
        self.buffers.append(data)
        return len(self.buffers) - 1

    def contents(self, value: Any) -> Any:
        """The node of an object that has a number, written out once more."""
        self._depth += 1
        try:
            return self._write(value, type(value))
        finally:
            self._depth -= 1

    def _encode(self, value: Any, kind: type) -> Any:
        numpy = sys.modules.get("numpy")
        if kind in _MUTABLE or (numpy is not None and kind is numpy.ndarray):
            self.number(value)
            return self._write(value, kind)
        if kind is tuple:
            return ["t", *map(self.encode, value)]
        if kind is frozenset:
            return ["F", *map(self.encode, value)]
        if kind is bytes:
            return ["b", self.buffer(value)]
        if kind is complex:
            return ["c", self.encode(value.real), self.encode(value.imag)]
        if kind is range:
            return ["R", *map(self.encode, (value.start, value.stop, value.step))]
        if kind is slice:
            return ["S", *map(self.encode, (value.start, value.stop, value.step))]
        if kind in _TEXT_TAGS:
            text = value.isoformat() if hasattr(value, "isoformat") else str(value)
            return ["x", _TEXT_TAGS[kind], text]
        if kind is datetime.timedelta:
            return ["td", value.days, value.seconds, value.microseconds]
        if value is Ellipsis or value is NotImplemented:
            return ["k", repr(value)]
        if isinstance(value, type) and value in _TYPE_NAMES:
            return ["ty", _TYPE_NAMES[value]]
        if numpy is not None:
            if issubclass(kind, numpy.generic) and value.dtype.kind in ARRAY_KINDS:
                return ["n", value.dtype.str, self.buffer(value.tobytes())]
            if isinstance(value, numpy.dtype) and value.kind in ARRAY_KINDS:
                return ["dt", value.str]
            if isinstance(value, type) and issubclass(value, numpy.generic):
                return ["nt", value.__name__]
        return self._export(value, self)

    def _write(self, value: Any, kind: type) -> Any:
        if kind is list:
            return ["l", *map(self.encode, value)]
        if kind is set:
            return ["s", *map(self.encode, value)]
        if kind is bytearray:
            return ["B", self.buffer(bytes(value))]
        if kind is collections.deque:
            return ["q", value.maxlen, *map(self.encode, value)]
        if kind in DICTS:
            factory = [self.encode(value.default_factory)] if kind is _DEFAULT else []
            items = [self.encode(part) for pair in value.items() for part in pair]
            return [DICTS[kind], *factory, *items]
        if kind is sys.modules["numpy"].ndarray:
            return self._array(value)
        raise CannotCross(f"a {kind.__name__} cannot be written out again")

    def _array(self, value: Any) -> Any:
        layout, dtype, shape = value.flags, value.dtype, list(value.shape)
        order = "F" if layout.fnc else "C"
        flags = order + ("w" if layout.writeable else "r")
        if dtype.kind in _NUMBERS and value.nbytes <= SMALL_BUFFER:
            return ["a", dtype.str, shape, flags, self.buffer(value.tobytes(order))]
        if dtype.kind == "O":
            return ["ao", shape, flags, *map(self.encode, value.ravel().tolist())]
        if dtype.names is not None:
            fields = [(name, dtype[name]) for name in dtype.names]
            if any(field.kind not in ARRAY_KINDS or field.shape for _, field in fields):
                raise CannotCross(f"an array of dtype {dtype}")
            parts = [part for name, field in fields for part in (name, field.str)]
            packed = sys.modules["numpy"].dtype([(name, field.str) for name, field in fields])
            return ["av", parts, shape, flags, self.buffer(value.astype(packed).tobytes())]
        if dtype.kind not in ARRAY_KINDS:
            raise CannotCross(f"an array of dtype {dtype}")
        flat = layout.c_contiguous and dtype.itemsize
        data = value.reshape(-1).view("u1") if flat else value.tobytes(order)
        return ["a", dtype.str, shape, flags, self.buffer(data)]


_DEFAULT = collections.defaultdict
DICTS: dict[type, str] = {
    dict: "d",
    collections.OrderedDict: "do",
    collections.Counter: "dc",
    _DEFAULT: "dd",
}
_MUTABLE = frozenset({list, set, bytearray, collections.deque, *DICTS})


def _hex(value: int) -> str:
    text = hex(value)
    if len(text) > MAX_DIGITS:
        raise CannotCross(f"an integer of {value.bit_length()} bits")
    return text
