"""Plain data as nodes of a header plus raw buffers, and back.

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

from .wire import WireError

MAX_DEPTH = 60
MAX_NODES = 500_000
MAX_KEYS = 100_000
MAX_DIGITS = 20_000  # hexadecimal, of one integer
MAX_COLLISIONS = 256  # keys of one hash in one table
ARRAY_KINDS = "biufcSUMm"
_SMALL = 2**62


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
_TEXTS: dict[str, tuple[type, Callable[[str], Any]]] = {
    "decimal": (decimal.Decimal, decimal.Decimal),
    "fraction": (fractions.Fraction, _fraction),
    "date": (datetime.date, datetime.date.fromisoformat),
    "datetime": (datetime.datetime, datetime.datetime.fromisoformat),
    "time": (datetime.time, datetime.time.fromisoformat),
    "path": (type(pathlib.Path()), pathlib.Path),
    "purepath": (type(pathlib.PurePath()), pathlib.PurePath),
    "uuid": (uuid.UUID, uuid.UUID),
}
_TEXT_TAGS = {kind: tag for tag, (kind, _) in _TEXTS.items()}


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
            return value if -_SMALL < value < _SMALL else ["i", _hex(value)]
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
        if kind in _MUTABLE:
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
        if (numpy := sys.modules.get("numpy")) is not None:
            if kind is numpy.ndarray:
                self.number(value)
                return self._write(value, kind)
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
        if kind in _DICTS:
            factory = [self.encode(value.default_factory)] if kind is _DEFAULT else []
            items = [self.encode(part) for pair in value.items() for part in pair]
            return [_DICTS[kind], *factory, *items]
        if kind is sys.modules["numpy"].ndarray:
            return self._array(value)
        raise CannotCross(f"a {kind.__name__} cannot be written out again")

    def _array(self, value: Any) -> Any:
        flags = ("F" if value.flags.fnc else "C") + ("w" if value.flags.writeable else "r")
        shape = list(value.shape)
        if value.dtype.kind == "O":
            return ["ao", shape, flags, *map(self.encode, value.ravel().tolist())]
        if value.dtype.names is not None:
            fields = [(name, value.dtype[name]) for name in value.dtype.names]
            if any(field.kind not in ARRAY_KINDS or field.shape for _, field in fields):
                raise CannotCross(f"an array of dtype {value.dtype}")
            layout = [part for name, field in fields for part in (name, field.str)]
            packed = sys.modules["numpy"].dtype([(name, field.str) for name, field in fields])
            return ["av", layout, shape, flags, self.buffer(value.astype(packed).tobytes())]
        if value.dtype.kind not in ARRAY_KINDS:
            raise CannotCross(f"an array of dtype {value.dtype}")
        order = "F" if value.flags.fnc else "C"
        flat = value.flags.c_contiguous and value.dtype.itemsize
        data = value.reshape(-1).view("u1") if flat else value.tobytes(order)
        return ["a", value.dtype.str, shape, flags, self.buffer(data)]


_DEFAULT = collections.defaultdict
_DICTS: dict[type, str] = {
    dict: "d",
    collections.OrderedDict: "do",
    collections.Counter: "dc",
    _DEFAULT: "dd",
}
_MUTABLE = frozenset({list, set, bytearray, collections.deque, *_DICTS})


def _hex(value: int) -> str:
    text = hex(value)
    if len(text) > MAX_DIGITS:
        raise CannotCross(f"an integer of {value.bit_length()} bits")
    return text


class Decoder:
    """Turns nodes back into values; whatever is not exactly as `Encoder` writes it is refused.

    Args:
        buffers: of the frame; each is used exactly once.
        resolve: makes the value of a tag that is not plain data; gets this decoder too.
        known: the objects numbered already, in order.
    """

    def __init__(
        self,
        buffers: list[bytearray],
        resolve: Callable[[list[Any], Decoder], Any],
        known: list[Any] | None = None,
    ) -> None:
        self.objects: list[Any] = list(known or [])
        self.raw: dict[int, bytearray] = {}
        self._buffers: list[bytearray | None] = list(buffers)
        self._resolve = resolve
        self._depth = 0
        self._nodes = 0
        self._unnumbered = False

    def contents(self, node: Any) -> Any:
        """What `Encoder.contents` wrote: an object that has its number already."""
        self._unnumbered = True
        try:
            return self.decode(node)
        finally:
            self._unnumbered = False

    def decode(self, node: Any) -> Any:
        """The value of `node`.

        Raises:
            WireError: it is malformed or over a cap.
        """
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise WireError("too many nodes")
        kind = type(node)
        if node is None or kind is bool or kind is str or kind is int or kind is float:
            if kind is int and not -_SMALL < node < _SMALL:
                raise WireError("a long integer without its tag")
            if kind is float and not math.isfinite(node):
                raise WireError("a number that is not finite")
            return node
        if kind is not list or not node or type(node[0]) is not str:
            raise WireError("a node without a tag")
        if self._depth > MAX_DEPTH:
            raise WireError("nodes nested too deep")
        self._depth += 1
        try:
            read = _READERS.get(node[0])
            return self._resolve(node, self) if read is None else read(self, node)
        except (WireError, CannotCross):
            raise
        except (TypeError, ValueError, IndexError, KeyError, ArithmeticError, AttributeError):
            raise WireError(f"a malformed node {node[0][:8]!r}") from None
        finally:
            self._depth -= 1

    def finish(self) -> None:
        """Check that the frame held no more than was used.

        Raises:
            WireError: a buffer was not used.
        """
        if any(buffer is not None for buffer in self._buffers):
            raise WireError("a buffer that nothing uses")

    def buffer(self, index: Any) -> bytearray:
        """Take a buffer, once."""
        if type(index) is not int or not 0 <= index < len(self._buffers):
            raise WireError("no such buffer")
        found = self._buffers[index]
        if found is None:
            raise WireError("a buffer used twice")
        self._buffers[index] = None
        return found

    def number(self, value: Any) -> Any:
        """Give `value` the next number."""
        if self._unnumbered:
            self._unnumbered = False
        else:
            self.objects.append(value)
        return value

    def shape(self, found: Any, itemsize: int, size: int) -> tuple[int, ...]:
        """A shape that `size` bytes fill exactly."""
        if type(found) is not list or len(found) > 32:
            raise WireError("a malformed shape")
        if any(type(n) is not int or not 0 <= n < 2**40 for n in found):
            raise WireError("a malformed shape")
        if math.prod(found) * itemsize != size:
            raise WireError("a buffer that does not fit its shape")
        return tuple(found)

    def _reference(self, node: list[Any]) -> Any:
        (_, number) = node
        if type(number) is not int or not 0 <= number < len(self.objects):
            raise WireError("a reference to nothing")
        return self.objects[number]

    def _list(self, node: list[Any]) -> Any:
        value: list[Any] = self.number([])
        value.extend(map(self.decode, node[1:]))
        return value

    def _set(self, node: list[Any]) -> Any:
        value: set[Any] = self.number(set())
        value.update(self._keys(node[1:]))
        return value

    def _keys(self, nodes: list[Any]) -> list[Any]:
        return _hashable([self.decode(node) for node in nodes])

    def _deque(self, node: list[Any]) -> Any:
        if node[1] is not None and (type(node[1]) is not int or node[1] < 0):
            raise WireError("a malformed deque")
        value: Any = self.number(collections.deque(maxlen=node[1]))
        value.extend(map(self.decode, node[2:]))
        return value

    def _dict(self, node: list[Any]) -> Any:
        value: Any = self.number(_DICT_KINDS[node[0]]())
        items = node[1:]
        if node[0] == "dd":
            factory = self.decode(items.pop(0))
            if factory is not None and not callable(factory):
                raise WireError("a malformed defaultdict")
            value.default_factory = factory
        if len(items) % 2:
            raise WireError("a key without a value")
        # keys and values alternate, since that is the order in which objects are numbered
        decoded = [self.decode(item) for item in items]
        for key, item in zip(_hashable(decoded[::2]), decoded[1::2], strict=True):
            value[key] = item
        return value

    def _bytearray(self, node: list[Any]) -> Any:
        return self.number(bytearray(self.buffer(node[1])))

    def _integer(self, node: list[Any]) -> int:
        (_, text) = node
        if type(text) is not str or len(text) > MAX_DIGITS:
            raise WireError("a malformed integer")
        return int(text, 16)

    def _float(self, node: list[Any]) -> float:
        (_, text) = node
        if text not in ("nan", "inf", "-inf"):
            raise WireError("a malformed float")
        return float(text)

    def _text(self, node: list[Any]) -> Any:
        _, tag, text = node
        if type(text) is not str or len(text) > MAX_DIGITS:
            raise WireError("a malformed text")
        return _TEXTS[tag][1](text)

    def plain(self, node: list[Any], kinds: tuple[type, ...]) -> list[Any]:
        """The parts of a node after its tag, each of one of these types."""
        values = [self.decode(part) for part in node[1:]]
        if any(type(value) not in kinds for value in values):
            raise WireError(f"a malformed node {node[0]!r}")
        return values

    def _complex(self, node: list[Any]) -> complex:
        real, imaginary = self.plain(node, (float,))
        return complex(real, imaginary)

    def _range(self, node: list[Any]) -> range:
        return range(*self.plain(node, (int,)))

    def _slice(self, node: list[Any]) -> slice:
        return slice(*map(self.decode, node[1:4]))

    def _timedelta(self, node: list[Any]) -> datetime.timedelta:
        days, seconds, microseconds = self.plain(node, (int,))
        return datetime.timedelta(days, seconds, microseconds)

    def _dtype(self, text: Any) -> Any:
        import numpy as np

        if type(text) is not str or len(text) > 24 or text[1:2] not in tuple(ARRAY_KINDS):
            raise WireError("a dtype that may not pass")
        dtype = np.dtype(text)
        if dtype.kind not in ARRAY_KINDS or dtype.itemsize > 2**20:
            raise WireError("a dtype that may not pass")
        return dtype

    def _array(self, node: list[Any]) -> Any:
        import numpy as np

        _, text, shape, flags, index = node
        dtype, data = self._dtype(text), self.buffer(index)
        if dtype.itemsize == 0:
            raise WireError("entries of no size")
        at = len(self.objects)
        flat = np.frombuffer(data, dtype=dtype)
        sizes = self.shape(shape, dtype.itemsize, len(data))
        value = self._finish_array(flat.reshape(sizes, order=flags[0]), flags)
        self.raw[at] = data
        return value

    def _finish_array(self, view: Any, flags: Any) -> Any:
        if flags not in ("Cw", "Cr", "Fw", "Fr"):
            raise WireError("malformed flags")
        value = _true_or_false(view.copy(order=flags[0]))
        value.flags.writeable = flags[1] == "w"
        return self.number(value)

    def _fields_array(self, node: list[Any]) -> Any:
        import numpy as np

        _, layout, shape, flags, index = node
        if len(layout) % 2 or len(layout) > 512 or any(type(part) is not str for part in layout):
            raise WireError("malformed fields")
        pairs = list(zip(layout[::2], layout[1::2], strict=True))
        dtype = np.dtype([(name, self._dtype(text)) for name, text in pairs])
        data = self.buffer(index)
        if dtype.itemsize == 0:
            raise WireError("entries of no size")
        at = len(self.objects)
        sizes = self.shape(shape, dtype.itemsize, len(data))
        value = self._finish_array(np.frombuffer(data, dtype=dtype).reshape(sizes), flags)
        self.raw[at] = data
        return value

    def _object_array(self, node: list[Any]) -> Any:
        import numpy as np

        sizes = self.shape(node[1], 1, len(node) - 3)
        if node[2] not in ("Cw", "Cr", "Fw", "Fr"):
            raise WireError("malformed flags")
        value = self.number(np.empty(sizes, dtype=object))
        items = [self.decode(item) for item in node[3:]]
        for at, item in enumerate(items):
            value.flat[at] = item
        return value

    def _scalar(self, node: list[Any]) -> Any:
        import numpy as np

        _, text, index = node
        data = self.buffer(index)
        dtype = self._dtype(text)
        if dtype.itemsize == 0:
            return dtype.type()
        self.shape([], dtype.itemsize, len(data))
        return _true_or_false(np.frombuffer(data, dtype=dtype).copy())[0]

    def _numpy_type(self, node: list[Any]) -> Any:
        import numpy as np

        found = getattr(np, str(node[1]), None)
        if not (isinstance(found, type) and issubclass(found, np.generic)):
            raise WireError("no such type of NumPy's")
        return found


def _true_or_false(value: Any) -> Any:
    """The array, its truth values made 0 or 1: NumPy counts any other byte for more than one."""
    if value.dtype.names is not None:
        for name in value.dtype.names:
            _true_or_false(value[name])
    elif value.dtype.kind == "b":
        value[...] = value.view("u1") != 0
    return value


def _hashable(keys: list[Any]) -> list[Any]:
    """Keys that hash well: many of one hash would make the table crawl."""
    if len(keys) > MAX_KEYS:
        raise WireError("too many keys")
    if len(keys) > MAX_COLLISIONS:
        (_, most), *_ = collections.Counter(map(hash, keys)).most_common(1)
        if most > MAX_COLLISIONS:
            raise WireError("keys that collide")
    return keys


_DICT_KINDS = {tag: kind for kind, tag in _DICTS.items()}
_READERS: dict[str, Callable[[Decoder, list[Any]], Any]] = {
    "r": Decoder._reference,
    "l": Decoder._list,
    "t": lambda self, node: tuple(map(self.decode, node[1:])),
    "s": Decoder._set,
    "F": lambda self, node: frozenset(self._keys(node[1:])),
    "q": Decoder._deque,
    **dict.fromkeys(_DICT_KINDS, Decoder._dict),
    "B": Decoder._bytearray,
    "b": lambda self, node: bytes(self.buffer(node[1])),
    "i": Decoder._integer,
    "f": Decoder._float,
    "c": Decoder._complex,
    "R": Decoder._range,
    "S": Decoder._slice,
    "x": Decoder._text,
    "td": Decoder._timedelta,
    "k": lambda self, node: {"Ellipsis": Ellipsis, "NotImplemented": NotImplemented}[node[1]],
    "ty": lambda self, node: TYPES[node[1]],
    "a": Decoder._array,
    "av": Decoder._fields_array,
    "ao": Decoder._object_array,
    "n": Decoder._scalar,
    "dt": lambda self, node: self._dtype(node[1]),
    "nt": Decoder._numpy_type,
}
