"""What crosses by value and what stays: the codec of a `Peer`."""

from __future__ import annotations

import builtins
import collections
import dataclasses
import random
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from . import mirror, tables
from .errors import KNOWN
from .peer import Codec, Exports, Mirrors, Peer
from .values import CannotCross, Decoder, Encoder
from .wire import WireError

_COLLECTIONS = {
    f"collections.{kind.__name__}": kind
    for kind in (
        collections.OrderedDict,
        collections.Counter,
        collections.deque,
        collections.defaultdict,
    )
}
SHARED_CLASSES: dict[str, type] = {**KNOWN, **_COLLECTIONS}
"""Classes that are the same on both sides, which either may name."""
_SHARED_NAMES = {kind: name for name, kind in SHARED_CLASSES.items() if name != "json.decoder"}
_MAX_FIELDS = 1000
FILES_TOTAL = 32 * 2**20  # bytes of files that one message takes along
_CODE = (".py", ".pyc", ".pyd", ".so", ".pth", ".zip", ".egg", ".ipynb")


def may_pass(name: object) -> bool:
    """Whether a file of this name may go from one work folder to the other: data, never code."""
    return (
        type(name) is str
        and 0 < len(name) <= 200
        and not name.startswith((".", "_"))
        and name.isprintable()
        and "/" not in name
        and not name.lower().endswith(_CODE)
    )


class Crossing(Codec):
    """Encodes for, and decodes from, one other side.

    Args:
        namespace: the notebook's names on this side.
        trusts: whether this side does what the other one says: the answer kernel trusts, the
            test kernel does not.
        shared: names of classes that the notebook defines alike on both sides.
    """

    def __init__(self, namespace: dict[str, Any], *, trusts: bool, shared: set[str]) -> None:
        self.namespace = namespace
        self.trusts = trusts
        self.shared = shared
        self.exports = Exports()
        self.mirrors = Mirrors()
        self.peer: Peer = None  # type: ignore[assignment]  # set by `connect`
        self._generators: dict[int, Any] = {}
        self._sent_states: dict[int, Any] = {}
        self._tuples: dict[Any, type] = {}
        self._tensors: Any = None

    def connect(self, peer: Peer) -> None:
        """Say through which peer mirrors ask."""
        self.peer = peer

    @property
    def tensors(self) -> Any:
        """Rules for PyTorch, once it is there."""
        if self._tensors is None:
            from .tensors import TensorCrossing

            self._tensors = TensorCrossing(self)
        return self._tensors

    # writing

    def export(self, value: Any, encoder: Encoder) -> Any:
        """Called for whatever is not plain data."""
        number = self.mirrors.number_of(value)
        if number is not None:
            return ["Y", number]
        torch = sys.modules.get("torch")
        if torch is not None and hasattr(torch, "nn"):
            if isinstance(value, torch.Tensor):
                return self.tensors.encode(value, encoder)
            if isinstance(value, torch.Size):
                return ["ts", *value]
            if isinstance(value, torch.dtype | torch.device):
                return ["tn", str(value)]
        pandas = sys.modules.get("pandas")
        if pandas is not None and hasattr(pandas, "DataFrame"):
            if (node := tables.encode(value, encoder)) is not None:
                return node
        if isinstance(value, types.ModuleType):
            return ["m", value.__name__]
        if isinstance(value, type) and value in _SHARED_NAMES:
            return ["g", _SHARED_NAMES[value]]
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return self._named_tuple(value, encoder)
        if self._is_shared(type(value)) and dataclasses.is_dataclass(value):
            encoder.number(value)
            items = [
                (field.name, getattr(value, field.name)) for field in dataclasses.fields(value)
            ]
            parts = [part for name, item in items for part in (name, encoder.encode(item))]
            return ["D", type(value).__name__, *parts]
        if self._is_shared(value):
            return ["M", value.__name__]
        if not self.trusts:
            if (state := _random_state(value)) is not None:
                return self._random(value, state, encoder)
            if (name := _library_name(value)) is not None:
                return ["g", name]
        return self._object(value, encoder)

    def _is_shared(self, kind: Any) -> bool:
        return (
            isinstance(kind, type)
            and kind.__module__ == "__main__"
            and kind.__name__ in self.shared
            and dict.get(self.namespace, kind.__name__) is kind
        )

    def _object(self, value: Any, encoder: Encoder) -> Any:
        number = self.exports.add(value)
        if isinstance(value, type):
            return ["H", number, "c"]
        torch = sys.modules.get("torch")
        if torch is not None and hasattr(torch, "nn") and isinstance(value, torch.nn.Module):
            return ["H", number, "N", self._class(type(value))]
        if isinstance(value, types.GeneratorType):
            return ["H", number, "g"]
        ours = type(value).__module__ == "__main__"
        if not ours and isinstance(value, Iterator):
            return ["H", number, "i"]
        if not ours and callable(value):
            return ["H", number, "f", str(getattr(value, "__name__", ""))[:200]]
        return ["H", number, "o", self._class(type(value))]

    def _class(self, kind: type) -> Any:
        number = self.mirrors.number_of(kind)
        return ["Y", number] if number is not None else ["H", self.exports.add(kind), "c"]

    def _named_tuple(self, value: Any, encoder: Encoder) -> Any:
        kind = type(value)
        fields = list(kind._fields)
        if self._is_shared(kind):
            cls: Any = ["M", kind.__name__]
        else:
            cls = self._class(kind) if kind.__module__ == "__main__" else None
        return ["N", kind.__name__, fields, cls, *map(encoder.encode, value)]

    def _random(self, value: Any, state: Callable[[], Any], encoder: Encoder) -> Any:
        """A random generator: its state the first time, and again where it was used here since.

        The other side keeps its copy, so a second call goes on with the stream where the first
        one left it; what it draws never moves the generator on this side.
        """
        number = self.exports.add(value)
        now = state()
        sent = self._sent_states.get(number)
        self._sent_states[number] = now
        fresh = sent is None or not same_state(sent, now)
        return ["G", number, _random_kind(value), encoder.encode(now) if fresh else None]

    # reading

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
        if tag in ("pd", "ps", "pi"):
            return tables.decode(node, decoder)
        if tag == "m":
            return self._module(node[1])
        if tag == "g":
            return self._library(node[1])
        if tag == "M":
            return self._shared_class(node[1])
        if tag == "D":
            return self._dataclass(node, decoder)
        if tag == "N":
            return self._read_tuple(node, decoder)
        if tag == "G" and self.trusts:
            return self._read_random(node, decoder)
        raise WireError(f"a node of no known kind {tag[:8]!r}")

    def _mirror(self, node: list[Any], decoder: Decoder) -> Any:
        number, kind = node[1], node[2]
        if type(number) is not int or kind not in ("c", "N", "g", "i", "f", "o"):
            raise WireError("a malformed object")
        make: Callable[[], Any]
        if kind == "c":
            make = lambda: mirror.make_class(self, number)  # noqa: E731 -- one of four
        elif kind == "f":
            name = node[3] if type(node[3]) is str else ""
            make = lambda: mirror.RemoteFunction(self, number, name)  # noqa: E731
        elif kind in "gi":
            make = lambda: mirror.RemoteIterator(self, number, kind == "g")  # noqa: E731
        else:
            cls = decoder.decode(node[3])
            if not isinstance(cls, type):
                raise WireError("an object without a class")
            if kind == "N":
                module = self.mirrors.get(number, lambda: self.tensors.module(number, cls))
                if "_mirrored" not in module.__dict__:
                    self.tensors.fill(module)
                return module
            make = lambda: mirror.make_instance(self, number, cls)  # noqa: E731
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
        if name in SHARED_CLASSES:
            return SHARED_CLASSES[name]
        if not self.trusts or type(name) is not str:
            raise WireError("a name that may not pass")
        module, _, path = name.partition(":")
        found: Any = __import__(module, fromlist=["_"])
        for part in path.split("."):
            found = getattr(found, part)
        return found

    def _shared_class(self, name: Any) -> Any:
        found = dict.get(self.namespace, name) if type(name) is str else None
        if not isinstance(found, type) or name not in self.shared:
            raise WireError("a class that is not shared")
        return found

    def _dataclass(self, node: list[Any], decoder: Decoder) -> Any:
        kind = self._shared_class(node[1])
        if not dataclasses.is_dataclass(kind):
            raise WireError("no dataclass")
        value = decoder.number(object.__new__(kind))
        self._fill(value, node[2:], decoder)
        return value

    def _fill(self, value: Any, parts: list[Any], decoder: Decoder) -> None:
        names = [field.name for field in dataclasses.fields(value)]
        if parts[::2] != names:
            raise WireError("a dataclass with other fields")
        for name, item in zip(names, parts[1::2], strict=True):
            object.__setattr__(value, name, decoder.decode(item))

    def _read_tuple(self, node: list[Any], decoder: Decoder) -> Any:
        _, name, fields, cls, *items = node
        if type(fields) is not list or len(fields) != len(items) or len(fields) > _MAX_FIELDS:
            raise WireError("a malformed named tuple")
        kind = decoder.decode(cls)
        if not (isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_make")):
            kind = self._tuples.get((name, tuple(fields)))
            if kind is None:
                kind = collections.namedtuple(name, fields)  # type: ignore[misc]  # as sent
                self._tuples[name, tuple(fields)] = kind
        if list(kind._fields) != fields:
            raise WireError("a named tuple with other fields")
        return kind(*map(decoder.decode, items))

    def _read_random(self, node: list[Any], decoder: Decoder) -> Any:
        _, number, kind, state = node
        if state is not None:
            found = self._generators.get(number) or _new_random(kind)
            _set_random_state(found, decoder.decode(state))
            self._generators[number] = found
        return self._generators[number]

    # what goes with every message

    def outgoing(self, encoder: Encoder) -> Any:
        """Mirrors that were dropped, shared tensors that changed, and notes."""
        dropped, self.mirrors.dropped = self.mirrors.dropped, []
        shared = self._tensors.changed(encoder) if self._tensors is not None else []
        notes = self.notes()
        return [dropped, shared, None if notes is None else encoder.encode(notes)]

    def notes(self) -> Any:
        """Further plain data that goes along; `read_notes` of the other side takes it in."""

    def read_notes(self, notes: Any) -> None:
        """Take in the notes of the other side."""

    def incoming(self, node: Any, decoder: Decoder) -> None:
        """Take in what `outgoing` wrote."""
        if type(node) is not list or len(node) != 3 or type(node[0]) is not list:
            raise WireError("malformed extras")
        dropped, shared, notes = node
        for entry in dropped:
            if type(entry) is not list or len(entry) != 2:
                raise WireError("a malformed release")
            self.exports.release(*entry)
        if shared:
            self.tensors.take_in(shared, decoder)
        if notes is not None:
            self.read_notes(decoder.decode(notes))

    # arguments that were changed in place

    def snapshot(self, decoder: Decoder) -> list[tuple[int, Any]]:
        """Each numbered argument with what tells whether it is still the same."""
        return [
            (number, _photograph(value, decoder.raw.get(number)))
            for number, value in enumerate(decoder.objects)
        ]

    def changes(self, before: list[tuple[int, Any]], encoder: Encoder) -> list[Any]:
        """The numbered arguments that look different now."""
        found = []
        for number, photograph in before:
            value = encoder.objects[number]
            if photograph is not None and not photograph(value):
                if type(value).__module__ == "__main__":
                    fields = [field.name for field in dataclasses.fields(value)]
                    node: Any = [
                        "D",
                        type(value).__name__,
                        *[p for n in fields for p in (n, encoder.encode(getattr(value, n)))],
                    ]
                elif _is_tensor(value):
                    node = self.tensors.write(value, encoder)
                elif type(value).__module__.startswith("pandas."):
                    node = tables.write(value, encoder)
                else:
                    node = encoder.contents(value)
                found.append([number, node])
        return found

    def change(self, number: int, node: Any, decoder: Decoder) -> None:
        """Make an argument of ours what its copy has become.

        Raises:
            CannotCross: it cannot become that, such as an array of another shape.
        """
        value = decoder.objects[number]
        if dataclasses.is_dataclass(value) and self._is_shared(type(value)):
            if type(node) is not list or node[:2] != ["D", type(value).__name__]:
                raise WireError("a change of kind")
            self._fill(value, node[2:], decoder)
            return
        if _is_tensor(value):
            self.tensors.overwrite(value, node, decoder)
            return
        if (
            type(node) is not list
            or not node
            or node[0]
            not in ("l", "s", "d", "do", "dc", "dd", "B", "q", "a", "av", "ao", "pd", "ps")
        ):
            raise WireError("a change of kind")
        new = decoder.contents(node)
        if type(new) is not type(value):
            raise WireError("a change of kind")
        _become(value, new)


def _become(value: Any, new: Any) -> None:
    if isinstance(value, list | bytearray):
        value[:] = new
    elif isinstance(value, dict | set):
        value.clear()
        value.update(new)
    elif isinstance(value, collections.deque):
        value.clear()
        value.extend(new)
    elif type(value).__module__.startswith("pandas."):
        value._update_inplace(new)
    elif value.flags.writeable:
        if value.shape != new.shape or value.dtype != new.dtype:
            raise CannotCross("an array argument changed its shape or dtype in place")
        value[...] = new


def _photograph(value: Any, raw: bytearray | None) -> Callable[[Any], bool] | None:
    """A function that says whether an object is still as it is now; None where it cannot change."""
    if isinstance(value, list | collections.deque):
        items = list(value)
        return lambda now: len(now) == len(items) and all(map(_is, now, items))
    if isinstance(value, dict):
        pairs = list(value.items())
        return lambda now: (
            len(now) == len(pairs)
            and all(a is c and b is d for (a, b), (c, d) in zip(now.items(), pairs, strict=True))
        )
    if isinstance(value, set):
        members = set(value)
        return lambda now: bool(now == members)
    if isinstance(value, bytearray):
        copy = bytes(value)
        return lambda now: bool(now == copy)
    if raw is not None:
        if not value.flags.writeable:
            return None
        return lambda now: now.tobytes("A" if now.flags.fnc else "C") == raw
    if _is_tensor(value):
        state = (value._version, value.grad)
        copy = value.detach().cpu().clone()
        torch = sys.modules["torch"]
        return lambda now: (
            now.grad is state[1]
            and now.shape == copy.shape
            and now.dtype == copy.dtype
            and bool(torch.equal(_bits(now), _bits(copy)))
        )
    if type(value).__module__.startswith("pandas."):
        frame = value.copy()
        return lambda now: (
            bool(now.equals(frame))
            and list(getattr(now, "columns", ())) == list(getattr(frame, "columns", ()))
        )
    numpy = sys.modules.get("numpy")
    if numpy is not None and type(value) is numpy.ndarray:
        entries = list(value.ravel())
        return lambda now: all(map(_is, now.ravel().tolist(), entries))
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        fields = [getattr(value, name) for name in names]
        return lambda now: all(
            getattr(now, name, None) is item for name, item in zip(names, fields, strict=True)
        )
    return None


def _bits(tensor: Any) -> Any:
    torch = sys.modules["torch"]
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8) if flat.numel() else flat


def _is(a: Any, b: Any) -> bool:
    return a is b


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and hasattr(torch, "Tensor") and isinstance(value, torch.Tensor)


def _library_name(value: Any) -> str | None:
    """The importable name of a library's function or class; None for anything else."""
    if not (isinstance(value, type) or callable(value)):
        return None
    module = getattr(value, "__module__", None) or (
        "builtins" if isinstance(value, types.BuiltinFunctionType) else None
    )
    path = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if type(value).__name__ == "ufunc":
        module, path = "numpy", value.__name__
    if type(module) is not str or type(path) is not str or module == "__main__" or "<" in path:
        return None
    if module.startswith("grader_bridge") or module not in sys.modules:
        return None
    found: Any = sys.modules[module]
    for part in path.split("."):
        found = getattr(found, part, None)
    return f"{module}:{path}" if found is value else None


def _random_state(value: Any) -> Callable[[], Any] | None:
    """How to read the state of a random generator; None for what is none."""
    if type(value) is random.Random:
        return lambda: value.getstate()
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "random"):
        if type(value) is numpy.random.Generator:
            return lambda: value.bit_generator.state
        if type(value) is numpy.random.RandomState:
            return lambda: value.get_state(legacy=False)
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "Generator") and type(value) is torch.Generator:
        return lambda: value.get_state().numpy()
    return None


def _random_kind(value: Any) -> str:
    if type(value).__name__ == "Generator" and hasattr(value, "bit_generator"):
        return "numpy:" + str(type(value.bit_generator).__name__)
    if type(value).__name__ == "Generator":
        return f"torch:{value.device}"
    return type(value).__name__


def _new_random(kind: str) -> Any:
    if kind == "Random":
        return random.Random()
    if kind == "RandomState":
        return __import__("numpy").random.RandomState()
    library, _, name = kind.partition(":")
    if library == "torch":
        return __import__("torch").Generator(name)
    module = __import__("numpy").random
    return module.Generator(getattr(module, name)())


def _set_random_state(value: Any, state: Any) -> None:
    if isinstance(value, random.Random):
        value.setstate((state[0], tuple(state[1]), state[2]))
    elif hasattr(value, "bit_generator"):
        value.bit_generator.state = state
    elif type(value).__name__ == "RandomState":
        value.set_state(state)
    else:
        value.set_state(__import__("torch").from_numpy(state.copy()))


def same_state(a: Any, b: Any) -> bool:
    """Whether two states of a random generator are equal."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same_state(a[key], b[key]) for key in a)
    if hasattr(a, "tobytes"):
        return bool(a.tobytes() == b.tobytes())
    return bool(a == b)


def visible(name: Any) -> bool:
    """Whether an attribute's name is a public one, and no way into a frame."""
    return (
        type(name) is str
        and name.isidentifier()
        and not name.startswith(("_", "f_", "gi_", "cr_", "ag_", "tb_", "co_", "func_"))
    )


def is_builtin(name: str) -> bool:
    """Whether Python itself defines a name."""
    return hasattr(builtins, name)
