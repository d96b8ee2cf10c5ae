"""Private copies of a call's values: kept as they were, made anew for a replay, and compared.

Tests and students change arguments in place, so what a call was given is copied when it is made,
and copied again for every replay.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import sys
import types
from collections.abc import Callable
from typing import Any

from . import generators
from .changes import is_tensor

_PLAIN = frozenset(
    {type(None), bool, int, float, complex, str, bytes, slice, range, type(Ellipsis)}
)
_SEQUENCES = frozenset({list, tuple, set, frozenset, collections.deque})
_MAPPINGS = frozenset({dict, collections.OrderedDict, collections.Counter})
_COUNTING = frozenset({list, dict, set, collections.Counter, collections.defaultdict})
_NOTED = 2**18  # bytes
_NESTED = 50  # levels
FAR = float("inf")
"""The distance of values of different types, shapes or structures."""
_UNITS = {"float16": 1e-2, "bfloat16": 1e-1, "float32": 1e-4, "complex64": 1e-4}
_UNIT = 1e-7
_OFFSET = 1e-2
_SMALL = 2**16  # bytes; NumPy's own comparison takes longer than this one to begin


class CannotKeep(Exception):
    """A value of a kind that no copy can stand for."""


@dataclasses.dataclass(eq=False)
class Kept:
    """One value as it was.

    Attributes:
        kind: what kind of value `held` describes.
        held: a private copy, or the parts of one.
        extra: what else must be known to make it again.
    """

    kind: str
    held: Any
    extra: Any = None


class Keeper:
    """Copies the values of one call; what is passed twice is kept once.

    Args:
        is_foreign: whether a value is a mirror, which only the other side can be asked about.
        told: the state that goes over for a random generator in a state; the same by default.

    Attributes:
        size: bytes of what was copied, roughly.
        leaves: tensors that require a gradient, as they were passed, in the order of copying.
    """

    def __init__(
        self, is_foreign: Callable[[Any], bool], told: Callable[[Any, Any], Any] | None = None
    ) -> None:
        self._is_foreign = is_foreign
        self._told = told or (lambda value, state: state)
        self._known: dict[int, Kept] = {}
        self.size = 0
        self.leaves: list[Any] = []

    def keep(self, value: Any, depth: int = 0) -> Kept:
        """A copy of `value`.

        Raises:
            CannotKeep: it holds a mirror, or something that cannot be copied.
        """
        kind = type(value)
        if kind in _PLAIN:
            self.size += 32
            return Kept("same", value)
        known = self._known.get(id(value))
        if known is None:
            if depth > _NESTED or self._is_foreign(value):
                raise CannotKeep
            known = self._known[id(value)] = Kept("", value)
            self._fill(known, value, kind, depth)
        return known

    def _fill(self, kept: Kept, value: Any, kind: type, depth: int) -> None:
        self.size += 64
        if kind in _SEQUENCES:
            kept.extra = kind if kind is not collections.deque else value.maxlen
            kept.held = [self.keep(item, depth + 1) for item in value]
            kept.kind = "sequence"
        elif kind in _MAPPINGS or kind is collections.defaultdict:
            kept.extra = kind if kind in _MAPPINGS else (kind, value.default_factory)
            kept.held = [(key, self.keep(item, depth + 1)) for key, item in value.items()]
            kept.kind = "mapping"
        elif isinstance(value, tuple) and hasattr(value, "_fields"):
            kept.extra, kept.kind = kind, "named tuple"
            kept.held = [self.keep(item, depth + 1) for item in value]
        elif is_tensor(value):
            if value.layout is not sys.modules["torch"].strided or value.device.type != "cpu":
                raise CannotKeep
            self.size += value.numel() * value.element_size()
            kept.held = value.detach().clone()
            kept.kind, kept.extra = "tensor", (kind, value.requires_grad, None)
            if value.requires_grad:
                kept.extra = (kind, True, len(self.leaves))
                self.leaves.append(value)
        elif _is_array(value):
            if value.dtype.hasobject:
                raise CannotKeep
            self.size += value.nbytes
            kept.held, kept.kind = value.copy(order="K"), "array"
            kept.held.flags.writeable = value.flags.writeable
        elif (read := generators.state_reader(value)) is not None:
            self.size += 5000
            kept.kind, kept.extra = "generator", (id(value), value)
            kept.held = self._told(value, read())
        elif kind.__module__.startswith("pandas."):
            kept.kind, kept.held = "frame", value.copy()
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [field.name for field in dataclasses.fields(value)]
            kept.held = [(name, self.keep(getattr(value, name), depth + 1)) for name in names]
            kept.kind, kept.extra = "dataclass", kind
        elif kind is types.FunctionType and value.__closure__:
            kept.kind = "function"
            kept.extra = [self._cell(cell, depth) for cell in value.__closure__]
        elif _is_constant(value) or (callable(value) and not _has_parameters(value)):
            kept.kind = "same"
        else:
            raise CannotKeep

    def _cell(self, cell: Any, depth: int) -> Kept | None:
        """What a function of the test closes over now; a loop may put something else there."""
        try:
            value = cell.cell_contents
        except ValueError:  # it is empty
            return None
        if type(value) is types.FunctionType or generators.state_reader(value) is not None:
            return self.keep(value, depth + 1)
        if type(value) in _COUNTING:  # what a function of the test's notes its own calls in
            apart = Keeper(self._is_foreign, self._told)
            with contextlib.suppress(CannotKeep):
                kept = apart.keep(value)
                if apart.size <= _NOTED:
                    self.size += apart.size
                    return kept
        return Kept("same", value)


class World:
    """Where kept values become values again, for a replay of one function's calls in order.

    Attributes:
        leaves: the tensors of the present call that require a gradient, by their numbers.
    """

    def __init__(self) -> None:
        self.leaves: dict[int, Any] = {}
        self._made: dict[int, Any] = {}
        self._generators: dict[int, tuple[Any, Any]] = {}

    def begin(self) -> None:
        """The next call's values are new ones, but its generators go on."""
        self.leaves = {}
        self._made = {}

    def make(self, kept: Kept) -> Any:
        """The value, for this call."""
        if kept.kind == "same":
            return kept.held
        if id(kept) not in self._made:
            self._made[id(kept)] = self._new(kept)
        return self._made[id(kept)]

    def _new(self, kept: Kept) -> Any:
        held, extra = kept.held, kept.extra
        if kept.kind == "sequence":
            items = [self.make(item) for item in held]
            return extra(items) if isinstance(extra, type) else collections.deque(items, extra)
        if kept.kind == "mapping":
            new = extra() if isinstance(extra, type) else extra[0](extra[1])
            new.update({key: self.make(item) for key, item in held})
            return new
        if kept.kind == "named tuple":
            return extra(*(self.make(item) for item in held))
        if kept.kind == "tensor":
            kind, gradient, number = extra
            new = held.clone()
            if kind is not type(new):
                new = kind(new, requires_grad=gradient)
            elif gradient:
                new.requires_grad_()
            if number is not None:
                self.leaves[number] = new
            return new
        if kept.kind == "array":
            new = held.copy(order="K")
            new.flags.writeable = held.flags.writeable
            return new
        if kept.kind == "generator":
            return self._generator(kept)
        if kept.kind == "function":
            return self._function(kept)
        if kept.kind == "dataclass":
            new = object.__new__(extra)
            for name, item in held:
                object.__setattr__(new, name, self.make(item))
            return new
        return held.copy()

    def _function(self, kept: Kept) -> Any:
        """A function that closes over what it did when it was passed."""
        held, cells = kept.held, [types.CellType() for _ in kept.extra]
        new = types.FunctionType(
            held.__code__, held.__globals__, held.__name__, held.__defaults__, tuple(cells)
        )
        new.__kwdefaults__ = held.__kwdefaults__
        self._made[id(kept)] = new  # it may close over itself
        for cell, inner in zip(cells, kept.extra, strict=True):
            if inner is not None:
                cell.cell_contents = self.make(inner)
        return new

    def _generator(self, kept: Kept) -> Any:
        """A student's side keeps its copy of a generator, and draws on where it was."""
        number, original = kept.extra
        known, state = self._generators.get(number, (None, None))
        if known is None:
            known = generators.new(generators.kind_of(original))
        if state is None or not generators.same_state(state, kept.held):
            generators.restore(known, kept.held)
        self._generators[number] = (known, kept.held)
        return known


def distance(got: Any, kept: Kept) -> float:
    """How far a value is from a kept one, in units of what rounding explains.

    Entries x of an array, tensor or number differ by |got - x| / (0.01 + |x|), where 1e-7 is one
    unit (1e-4 in single precision). What is not floating-point is either equal or `FAR`, and so
    are types, shapes and kinds of entries.
    """
    held, kind = kept.held, type(got)
    if kept.kind == "same":
        return _plain_distance(got, held)
    if kept.kind == "tensor":
        if kind is not kept.extra[0] or got.requires_grad != kept.extra[1]:
            return FAR
        if got.dtype != held.dtype or got.shape != held.shape or got.device.type != "cpu":
            return FAR
        torch = sys.modules["torch"]
        if torch.equal(got.detach(), held):
            return 0.0
        wide = torch.complex128 if held.is_complex() else torch.float64
        if held.is_floating_point() or held.is_complex():
            name = str(held.dtype).removeprefix("torch.")
            return _entries(got.detach().to(wide).numpy(), held.to(wide).numpy(), name)
        return FAR
    if kept.kind == "array":
        if not _is_array(got) or got.shape != held.shape:
            return FAR
        if got.dtype == held.dtype and held.nbytes <= _SMALL and got.tobytes() == held.tobytes():
            return 0.0
        if got.dtype.kind != held.dtype.kind:
            return FAR
        return _entries(got, held, held.dtype.name)
    if kept.kind == "sequence":
        wanted = kept.extra if isinstance(kept.extra, type) else collections.deque
        if kind is not wanted or len(got) != len(held):
            return FAR
        if kind in (set, frozenset):
            same = all(item.kind == "same" and item.held in got for item in held)
            return 0.0 if same else FAR
        return max(map(distance, got, held), default=0.0)
    if kept.kind == "named tuple":
        if kind.__name__ != kept.extra.__name__ or len(got) != len(held):
            return FAR
        return max(map(distance, got, held), default=0.0)
    if kept.kind == "mapping":
        wanted = kept.extra if isinstance(kept.extra, type) else kept.extra[0]
        if kind is not wanted or got.keys() != {key for key, _ in held}:
            return FAR
        return max((distance(got[key], item) for key, item in held), default=0.0)
    if kept.kind == "dataclass":
        if kind.__name__ != kept.extra.__name__:
            return FAR
        return max((distance(getattr(got, name), item) for name, item in held), default=0.0)
    if kept.kind == "frame":
        return 0.0 if kind is type(held) and got.equals(held) else FAR
    if kept.kind == "function":
        return 0.0 if getattr(got, "__code__", None) is held.__code__ else FAR
    return 0.0  # how a generator was left is nobody's result


def _plain_distance(got: Any, held: Any) -> float:
    if got is held:
        return 0.0
    if type(got) is not type(held):
        return FAR
    if isinstance(held, float | complex):
        return _entries(got, held, "float64")
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(held, numpy.generic):
        return _entries(got, held, held.dtype.name)
    try:
        return 0.0 if bool(got == held) else FAR
    except Exception:  # of what an object's own comparison may raise
        return FAR


def _entries(got: Any, held: Any, dtype: str) -> float:
    import numpy

    got, held = numpy.asarray(got), numpy.asarray(held)
    if held.dtype.kind not in "fc":
        return 0.0 if numpy.array_equal(got, held) else FAR
    finite = numpy.isfinite(held)
    if not numpy.array_equal(got[~finite], held[~finite], equal_nan=True):
        return FAR
    got, held = got[finite], held[finite]
    if not numpy.isfinite(got).all():
        return FAR
    with numpy.errstate(all="ignore"):
        apart = numpy.abs(got - held) / (_OFFSET + numpy.abs(held))
    return float(apart.max(initial=0.0)) / _UNITS.get(dtype, _UNIT)


def _is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(value) is getattr(numpy, "ndarray", None)


def _is_constant(value: Any) -> bool:
    if isinstance(value, type | types.ModuleType):
        return True
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None and isinstance(value, numpy.generic | numpy.dtype):
        return True
    return (
        torch is not None
        and hasattr(torch, "Size")
        and isinstance(value, torch.Size | torch.dtype | torch.device)
    )


def _has_parameters(value: Any) -> bool:
    """Whether it is a module of PyTorch's, which a call may train."""
    torch = sys.modules.get("torch")
    return torch is not None and hasattr(torch, "nn") and isinstance(value, torch.nn.Module)
