"""Nodes and buffers of a frame back to plain data: the inverse of `values`, for hostile input."""

from __future__ import annotations

import collections
import datetime
import math
import sys
from collections.abc import Callable
from typing import Any

from .values import (
    ARRAY_KINDS,
    DICTS,
    MAX_COLLISIONS,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_KEYS,
    MAX_NODES,
    SMALL,
    TEXTS,
    TYPES,
    CannotCross,
)
from .wire import WireError


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
            if kind is int and not -SMALL < node < SMALL:
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
        for n in found:
            if type(n) is not int or not 0 <= n < 2**40:
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
        return TEXTS[tag][1](text)

    def plain(self, node: list[Any], kinds: tuple[type, ...]) -> list[Any]:
        """The parts of a node, each of one of these kinds."""
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

        if type(text) is str and (known := _DTYPES.get(text)) is not None:
            return known
        if type(text) is not str or len(text) > 24 or text[1:2] not in tuple(ARRAY_KINDS):
            raise WireError("a dtype that may not pass")
        dtype = np.dtype(text)
        if dtype.kind not in ARRAY_KINDS or dtype.itemsize > 2**20:
            raise WireError("a dtype that may not pass")
        if len(_DTYPES) < _MAX_DTYPES:
            _DTYPES[text] = dtype
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
        value = view.copy(order=flags[0])
        if value.dtype.kind not in _SOUND:
            _sound(value)
        if flags[1] == "r":
            value.setflags(write=False)
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
        return _sound(np.frombuffer(data, dtype=dtype).copy())[0]

    def _numpy_type(self, node: list[Any]) -> Any:
        import numpy as np

        found = getattr(np, str(node[1]), None)
        if not (isinstance(found, type) and issubclass(found, np.generic)):
            raise WireError("no such type of NumPy's")
        return found


def _sound(value: Any) -> Any:
    """The array, its truth values made 0 or 1: NumPy counts any other byte for more than one.

    Raises:
        WireError: it holds what is no character, on which NumPy fails later.
    """
    import numpy as np

    if value.dtype.names is not None:
        for name in value.dtype.names:
            _sound(value[name])
    elif value.dtype.kind == "b":
        value[...] = value.view("u1") != 0
    elif value.dtype.kind == "U" and value.dtype.itemsize:
        codes = np.ascontiguousarray(value).view(value.dtype.byteorder + "u4")
        if (codes > sys.maxunicode).any():
            raise WireError("what is no character")
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


_DICT_KINDS = {tag: kind for kind, tag in DICTS.items()}
_DTYPES: dict[str, Any] = {}
_MAX_DTYPES = 256
_SOUND = "iufcSMm"  # kinds of which any bytes are a value
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
