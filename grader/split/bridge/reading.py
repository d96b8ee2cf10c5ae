"""How what is not plain data is read: objects, names, and the notebook's own classes."""

from __future__ import annotations

import dataclasses
import enum
import sys
import types
from collections.abc import Callable
from typing import Any

from . import changes, errors, functions, generators, mirror, native, sparse, tables, tuples, views
from .decoding import Decoder
from .errors import SHARED
from .instances import Instances, is_plain
from .numbering import Exports, Mirrors
from .peer import Codec
from .values import CannotCross
from .wire import WireError

_MAX_FIELDS = 1000


class Reading(Codec):
    """The half of a `Crossing` that reads."""

    namespace: dict[str, Any]
    trusts: bool
    shared: set[str]
    exports: Exports
    mirrors: Mirrors
    tensors: Any
    instances: Instances
    _generators: dict[int, Any]
    _tuples: dict[Any, type]

    def resolve(self, node: list[Any], decoder: Decoder) -> Any:
        """Called for whatever is not plain data."""
        read = RESOLVERS.get(node[0])
        if read is None or (node[0] in _ONE_WAY and _ONE_WAY[node[0]] is not self.trusts):
            raise WireError(f"a node of no known kind {node[0][:8]!r}")
        return read(self, node, decoder)

    def _mirror(self, node: list[Any], decoder: Decoder) -> Any:
        number, kind = node[1], node[2]
        if type(number) is not int or kind not in ("c", "N", "g", "i", "f", "o"):
            raise WireError("a malformed object")
        make: Callable[[], Any]
        this: Any = self  # a `Crossing`, of which this is a half
        if kind == "c":
            make = lambda: mirror.make_class(this, number)  # noqa: E731 -- one of four
        elif kind == "f":
            name = node[3] if type(node[3]) is str else ""
            make = lambda: functions.RemoteFunction(this, number, name)  # noqa: E731
        elif kind in "gi":
            make = lambda: functions.RemoteIterator(this, number, kind == "g")  # noqa: E731
        else:
            cls = decoder.decode(node[3])
            if not isinstance(cls, type):
                raise WireError("an object without a class")
            if kind == "N":
                module = self.mirrors.get(number, lambda: self.tensors.module(number, cls))
                if "_mirrored" not in module.__dict__:
                    self.tensors.fill(module)
                return module
            make = lambda: mirror.make_instance(this, number, cls)  # noqa: E731
        return self.mirrors.get(number, make)

    def _tensor_size(self, node: list[Any], decoder: Decoder) -> Any:
        return sys.modules["torch"].Size(decoder.plain(node, (int,)))

    def _read_exception(self, node: list[Any], decoder: Decoder) -> Any:
        values = tuple(map(decoder.decode, node[2:]))
        return errors.build(errors.find(node[1]), values)

    def _shared_function(self, node: list[Any]) -> Any:
        found = self._shared(node[1])
        if type(found) is not types.FunctionType:
            raise WireError("a function that is not shared")
        return found

    def _function(self, node: list[Any]) -> Any:
        """A function of the test's that students have read: one like it, made here."""
        _, number, imports, pairs = node
        this: Any = self

        def make() -> Any:
            try:
                return native.make(imports, pairs)
            except Exception:  # a submission may have broken what this needs
                return functions.RemoteFunction(this, number, pairs[0])

        return self.mirrors.get(number, make)

    def _module(self, name: Any) -> Any:
        if type(name) is not str or len(name) > 200:
            raise WireError("a malformed module")
        if self.trusts:
            return __import__(name, fromlist=["_"])
        raise CannotCross(
            f"the module {name.split('.')[0]} stays in the answer kernel; "
            "import it in a cell of the assignment"
        )

    def _library(self, name: Any) -> Any:
        if name in SHARED:
            return SHARED[name]
        if not self.trusts or type(name) is not str:
            raise WireError("a name that may not pass")
        module, _, path = name.partition(":")
        found: Any = __import__(module, fromlist=["_"])
        for part in path.split("."):
            found = getattr(found, part)
        return found

    def _shared_class(self, name: Any) -> Any:
        found = self._shared(name)
        if not isinstance(found, type):
            raise WireError("a class that is not shared")
        return found

    def _shared(self, name: Any) -> Any:
        """What both kernels have under a name; None for any other."""
        if type(name) is not str or name not in self.shared:
            return None
        return dict.get(self.namespace, name)

    def _dataclass(self, node: list[Any], decoder: Decoder) -> Any:
        kind: Any = self._shared_class(node[1])
        if not (is_plain(kind) and dataclasses.is_dataclass(kind)):
            raise WireError("no dataclass")
        value: Any = decoder.number(object.__new__(kind))  # type: ignore[arg-type]  # a class
        self._fill(value, node[2:], decoder)
        return value

    def _member(self, node: list[Any]) -> Any:
        kind = self._shared_class(node[1])
        if not issubclass(kind, enum.Enum) or node[2] not in kind.__members__:
            raise WireError("no such member")
        return kind[node[2]]

    def _instance(self, node: list[Any], decoder: Decoder) -> Any:
        """An object of an instructor's class that the student made: its state, our methods."""
        kind = self._shared_class(node[1])
        if issubclass(kind, enum.Enum | type):
            raise WireError("a malformed object")
        return self.instances.read(kind, node, decoder)

    def _fill(self, value: Any, parts: list[Any], decoder: Decoder) -> None:
        names = [field.name for field in dataclasses.fields(value)]
        if parts[::2] != names:
            raise WireError("a dataclass with other fields")
        for name, item in zip(names, parts[1::2], strict=True):
            held = decoder.decode(item)
            object.__setattr__(value, name, held)
            if not self.trusts:
                self.instances.hold(type(value), name, held)

    def _read_tuple(self, node: list[Any], decoder: Decoder) -> Any:
        _, name, fields, cls, *items = node
        if type(fields) is not list or len(fields) != len(items) or len(fields) > _MAX_FIELDS:
            raise WireError("a malformed named tuple")
        kind: Any = decoder.decode(cls)
        if not (isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_make")):
            kind = self._tuples.get((name, tuple(fields)))
            if kind is None:
                kind = tuples.make_tuple(name, fields)
                self._tuples[name, tuple(fields)] = kind
        if list(kind._fields) != fields:
            raise WireError("a named tuple with other fields")
        return kind(*map(decoder.decode, items))

    def _read_random(self, node: list[Any], decoder: Decoder) -> Any:
        _, number, kind, state = node
        if state is not None:
            found = self._generators.get(number) or generators.new(kind)
            generators.restore(found, decoder.decode(state))
            self._generators[number] = found
        return self._generators[number]


def _table(_: Reading, node: list[Any], decoder: Decoder) -> Any:
    return tables.decode(node, decoder)


RESOLVERS: dict[str, Callable[[Reading, list[Any], Decoder], Any]] = {
    "H": Reading._mirror,
    "Y": lambda self, node, decoder: self.exports.find(node[1]),
    "T": lambda self, node, decoder: self.tensors.decode(node, decoder),
    "ts": Reading._tensor_size,
    "tn": lambda self, node, decoder: self.tensors.name(node[1]),
    **dict.fromkeys(("pd", "ps", "pi", "pt"), _table),
    "sp": lambda self, node, decoder: sparse.decode(node, decoder),
    "m": lambda self, node, decoder: self._module(node[1]),
    "g": lambda self, node, decoder: self._library(node[1]),
    "M": lambda self, node, decoder: self._shared_class(node[1]),
    "U": lambda self, node, decoder: self._shared_function(node),
    "D": Reading._dataclass,
    "O": lambda self, node, decoder: decoder.number(changes.read_stream(node, decoder)),
    "E": lambda self, node, decoder: self._member(node),
    "I": Reading._instance,
    "X": Reading._read_exception,
    "N": Reading._read_tuple,
    "G": Reading._read_random,
    "fn": lambda self, node, decoder: self._function(node),
    "w": lambda self, node, decoder: views.decode(node[1], decoder.decode(node[2])),
}
"""How nodes of what is not plain data are read, by their tags."""
_ONE_WAY = {"I": False, "G": True, "fn": True, "w": True}
"""Tags that only one side reads: the one that trusts, or the other."""
