"""What crosses by value and what stays: the codec of a `Peer`."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import sys
import types
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from . import changes, errors, generators, sparse, tables, views
from .decoding import Decoder
from .errors import SHARED
from .instances import Instances, holds_foreign, is_plain, write
from .lending import Lasting, Lent
from .numbering import Exports, Mirrors
from .peer import Peer
from .reading import Reading
from .telling import WORDS, Generators, arguments_of
from .values import CannotCross, Encoder
from .wire import WireError

# of several names of one class the first
_SHARED_NAMES = {kind: name for name, kind in reversed(SHARED.items())}
_CHANGEABLE = frozenset("l s d do dc dd B q a av ao pd ps sp".split())  # noqa: SIM905 -- readable
FILES_TOTAL = 32 * 2**20  # bytes of files that one message takes along


class Crossing(Reading):
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
        self.expected: set[str] | None = None
        """Names of the classes that the other side is to define; None where nobody says."""
        self.overrides: Collection[str] | None = None
        """Names that the reference's classes define; None where nobody says."""
        self.instances = Instances(lambda value: self.mirrors.number_of(value) is not None)
        self.telling = Generators()
        self.words: dict[str, Any] = {}
        """Docstrings of our functions, by what stands for them on the other side."""
        self.lent = Lent()
        self.lasting = Lasting(self.before_change)
        self._gradients = True
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
            node = tables.encode(value, encoder)
            if node is not None:
                return node
        if "scipy.sparse" in sys.modules:
            node = sparse.encode(value, encoder)
            if node is not None:
                return node
        if isinstance(value, types.ModuleType):
            return ["m", value.__name__]
        if isinstance(value, type | types.BuiltinFunctionType) and value in _SHARED_NAMES:
            return ["g", _SHARED_NAMES[value]]
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return self._named_tuple(value, encoder)
        shared = self._is_shared(type(value))
        if shared and dataclasses.is_dataclass(value) and is_plain(type(value)):
            encoder.number(value)
            return _fields(value, encoder)
        if self._is_shared(value):
            return ["M", value.__name__]
        if shared and isinstance(value, enum.Enum):
            return ["E", type(value).__name__, value.name]
        if self.trusts and shared:
            return write(value, encoder)
        if self.trusts and self._is_shared_function(value):
            return ["U", value.__name__]
        if isinstance(value, types.TracebackType):
            return None
        if type(value) in changes.STREAMS:
            encoder.number(value)
            return changes.write_stream(value, encoder)
        if isinstance(value, BaseException):
            return self._exception(value, encoder)
        if not self.trusts:
            if (state := generators.state_reader(value)) is not None:
                return self._random(value, state, encoder)
            if (name := _library_name(value)) is not None:
                return ["g", name]
            if (node := views.encode(value, encoder)) is not None:
                return node
        return self._object(value, encoder)

    def _exception(self, error: BaseException, encoder: Encoder) -> Any:
        names = errors.names_of(type(error))
        # one that was never raised is an argument like any other
        plain = error.__traceback__ is None or "_origin" in vars(error)
        told = error.args if plain else self.told(error)
        try:
            return ["X", names, *map(encoder.encode, told)]
        except CannotCross:
            return ["X", names, *([errors.short(error)] if self.trusts else ())]

    def _is_shared(self, kind: Any) -> bool:
        return (
            isinstance(kind, type)
            and kind.__module__ == "__main__"
            and kind.__name__ in self.shared
            and dict.get(self.namespace, kind.__name__) is kind
        )

    def is_instructors(self, kind: Any) -> bool:
        """Whether a class is one that both kernels have from a cell of the instructor's."""
        return self._is_shared(kind)

    def _is_shared_function(self, value: Any) -> bool:
        return (
            type(value) is types.FunctionType
            and value.__name__ in self.shared
            and dict.get(self.namespace, value.__name__) is value
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
        plain = not ours and not hasattr(type(value), "__enter__")
        if plain and isinstance(value, Iterator):
            return ["H", number, "i"]
        if plain and callable(value):
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
        """A random generator: `telling` says which state goes over the first time.

        It goes over again where the generator was used here since. The other side keeps its copy,
        so a second call goes on with the stream where the first one left it; what it draws never
        moves the generator on this side.
        """
        number = self.exports.add(value)
        now = state()
        sent = self._sent_states.get(number)
        self._sent_states[number] = now
        known = sent is not None and generators.same_state(sent, now)
        told = None if known else encoder.encode(self.telling.told(value, now))
        return ["G", number, generators.kind_of(value), told]

    # what goes with every message

    def outgoing(self, encoder: Encoder) -> Any:
        """What goes with every message.

        Mirrors that were dropped, shared tensors that changed, arguments that the other side has
        kept and what became of them, whether gradients are wanted, and notes.
        """
        dropped, self.mirrors.dropped = self.mirrors.dropped, []
        shared = self._tensors.changed(encoder) if self._tensors is not None else []
        lasting = self.lasting.outgoing(encoder)
        torch = sys.modules.get("torch")
        gradients = torch is None or not hasattr(torch, "nn") or torch.is_grad_enabled()
        notes = self.notes()
        return [
            dropped,
            shared,
            lasting,
            gradients,
            None if notes is None else encoder.encode(notes),
        ]

    def notes(self) -> Any:
        """Further plain data that goes along; `read_notes` of the other side takes it in."""

    def read_notes(self, notes: Any) -> None:
        """Take in the notes of the other side."""

    def incoming(self, node: Any, decoder: Decoder) -> None:
        """Take in what `outgoing` wrote."""
        if type(node) is not list or len(node) != 5 or type(node[0]) is not list:
            raise WireError("malformed extras")
        dropped, shared, lasting, gradients, notes = node
        for entry in dropped:
            if type(entry) is not list or len(entry) != 2:
                raise WireError("a malformed release")
            self.exports.release(*entry)
        if shared:
            self.tensors.take_in(shared, decoder)
        if lasting is not None:
            self.lasting.incoming(lasting, decoder)
        self._gradients = gradients is True
        if notes is not None:
            self.read_notes(decoder.decode(notes))
        self.instances.check()

    def told(self, error: BaseException) -> tuple[Any, ...]:
        """What the other side may know of an exception of ours, besides its class."""
        if self.trusts or isinstance(error, CannotCross):
            return error.args[:8]
        return arguments_of(error, self.namespace)

    def words_of(self, function: Any) -> Any:
        """What stands for the docstring of a function of ours on the other side."""
        doc = getattr(function, "__doc__", None)
        if self.trusts or doc is None or self._is_shared_function(function):
            return doc
        words = WORDS.format(self.exports.number_of(function))
        self.words[words] = doc
        return words

    def holds_foreign(self, value: Any) -> bool:
        """Whether a value is, or holds, a mirror."""
        return holds_foreign(value, lambda held: self.mirrors.number_of(held) is not None)

    def before_change(self, value: Any) -> None:
        """The other side is about to change a value of ours."""

    def before_use(self, owner: Any) -> None:
        """The other side is about to use an object of ours."""

    def only_adding(self, kinds: Sequence[type]) -> contextlib.AbstractContextManager[None]:
        """In this block hooks of our classes run for a class of the other side."""
        return contextlib.nullcontext()

    def perform(self, handler: Callable[..., Any], values: list[Any]) -> Any:
        """Do what this side was asked, with gradients or none, as on the side that asks."""
        torch = sys.modules.get("torch")
        if torch is None or not hasattr(torch, "nn"):
            return handler(*values)
        with torch.set_grad_enabled(self._gradients):
            return handler(*values)

    # arguments that were changed in place

    def snapshot(self, decoder: Decoder) -> list[tuple[int, Any, int]]:
        """Each numbered argument, what tells whether it is still the same, and who holds it."""
        found = []
        for number in range(len(decoder.objects)):
            value = decoder.objects[number]  # held as in `changes`, which counts again
            ours = type(value).__module__ == "__main__" and not dataclasses.is_dataclass(value)
            photograph = None if ours else changes.photograph(value, decoder.raw.get(number))
            found.append((number, photograph, sys.getrefcount(value)))
        return found

    def changes(self, before: list[tuple[int, Any, int]], encoder: Encoder) -> list[Any]:
        """The numbered arguments that look different now; notes those that somebody has kept."""
        found = []
        for number, photograph, holders in before:
            value = encoder.objects[number]
            # one holder more is the encoder's own list
            if self.trusts and sys.getrefcount(value) > holders + 1:
                self.lasting.keep(number, value)
            if photograph is not None and not photograph(value):
                if type(value).__module__ == "__main__":
                    node: Any = _fields(value, encoder)
                elif changes.is_tensor(value):
                    node = self.tensors.write(value, encoder)
                elif type(value) in changes.STREAMS:
                    node = changes.write_stream(value, encoder)
                elif type(value).__module__.startswith("pandas."):
                    node = tables.write(value, encoder)
                elif type(value).__module__.startswith("scipy.sparse"):
                    node = sparse.write(value, encoder)
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
        self.before_change(value)
        if dataclasses.is_dataclass(value) and self._is_shared(type(value)):
            if type(node) is not list or node[:2] != ["D", type(value).__name__]:
                raise WireError("a change of kind")
            self._fill(value, node[2:], decoder)
            return
        if type(value) in changes.STREAMS:
            changes.become(value, changes.read_stream(node, decoder))
            return
        if changes.is_tensor(value):
            self.tensors.overwrite(value, node, decoder)
            return
        if type(node) is not list or not node or node[0] not in _CHANGEABLE:
            raise WireError("a change of kind")
        new = decoder.contents(node)
        if type(new) is not type(value):
            raise WireError("a change of kind")
        changes.become(value, new)


def _fields(value: Any, encoder: Encoder) -> list[Any]:
    """The node of an object of a shared dataclass, its number apart."""
    names = [field.name for field in dataclasses.fields(value)]
    parts = [part for name in names for part in (name, encoder.encode(getattr(value, name)))]
    return ["D", type(value).__name__, *parts]


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


def visible(name: Any) -> bool:
    """Whether an attribute's name is a public one, and no way into a frame."""
    return (
        type(name) is str
        and name.isidentifier()
        and not name.startswith(("_", "f_", "gi_", "cr_", "ag_", "tb_", "co_", "func_"))
    )
