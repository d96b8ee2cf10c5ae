"""How what is not plain data is read: objects, names, and the notebook's own classes."""

from __future__ import annotations

import dataclasses
import enum
import sys
import types
from collections.abc import Callable
from typing import Any

from . import changes, errors, functions, generators, mirror, native, sparse, tables, tuples
from .decoding import Decoder
from .errors import SHARED
from .instances import Instances, is_plain
from .peer import Codec, Exports, Mirrors
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
        tag = node[0]
        if tag == "H":
            return self._mirror(node, decoder)
        if tag == "Y":
            return self.exports.find(node[1])
        if tag == "T":
            return self.tensors.decode(node, decoder)
        if tag == "ts":
            return sys.modules["torch"].Size(decoder.plain(node, (int,)))
        if tag == "tn":
            return self.tensors.name(node[1])
        if tag in ("pd", "ps", "pi", "pt"):
            return tables.decode(node, decoder)
        if tag == "sp":
            return sparse.decode(node, decoder)
        if tag == "m":
            return self._module(node[1])
        if tag == "g":
            return self._library(node[1])
        if tag == "M":
            return self._shared_class(node[1])
        if tag == "U":
            found = self._shared(node[1])
            if type(found) is not types.FunctionType:
                raise WireError("a function that is not shared")
            return found
        if tag == "D":
            return self._dataclass(node, decoder)
        if tag == "O":
            return decoder.number(changes.read_stream(node, decoder))
        if tag == "E":
            return self._member(node)
        if tag == "I" and not self.trusts:
            return self._instance(node, decoder)
        if tag == "X":
            values = tuple(map(decoder.decode, node[2:]))
            return errors.build(errors.find(node[1]), values)
        if tag == "N":
            return self._read_tuple(node, decoder)
        if tag == "G" and self.trusts:
            return self._read_random(node, decoder)
        if tag == "fn" and self.trusts:
            return self._function(node)
        raise WireError(f"a node of no known kind {tag[:8]!r}")

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
