"""What one side does when the other asks: the operations, and which of them a stranger may use."""

from __future__ import annotations

import copy
import inspect
import io
import sys
import types
from typing import Any

from .crossing import Crossing, visible
from .errors import KNOWN
from .peer import Handler, Stop, _Holder
from .special import SPECIALS
from .telling import text_of
from .values import CannotCross

_SIMPLE = (type(None), bool, int, float, str, bytes, tuple)
_STREAMS = frozenset(
    ["write", "read", "readline", "readlines", "writelines", "flush", "getvalue", "seek", "tell"]
)
_OPTIMIZER = frozenset({"zero_grad", "step"})
_NOT_DRAWING = frozenset({"savefig", "canvas", "figure", "get_figure", "set_canvas", "pchanged"})
_ITERATED = frozenset({"__iter__", "__len__", "__getitem__"})
_HOLDERS = (
    ("utils", "data", "DataLoader"),
    ("utils", "data", "Dataset"),
    ("nn", "Sequential"),
    ("nn", "ModuleList"),
    ("nn", "ModuleDict"),
)
"""Classes of PyTorch's whose objects hold others that go along with them."""


class Operations:
    """Operations on objects of this side, for a side that is trusted with all of them.

    Args:
        crossing: which knows what was exported.
    """

    def __init__(self, crossing: Crossing) -> None:
        self.crossing = crossing

    def handlers(self) -> dict[str, Handler]:
        """All operations, by name."""
        return {
            "call": self.call,
            "method": self.method,
            "attr": self.attribute,
            "set": self.set_attribute,
            "delete": self.delete_attribute,
            "special": self.special,
            "step": self.step,
            "describe": self.describe,
            "signature": self.signature,
            "isinstance": lambda value, kind: isinstance(value, kind),
            "issubclass": lambda value, kind: issubclass(value, kind),
            "copy": self.copy,
            "module": lambda module: self.crossing.tensors.describe_module(module),
            "forward": self.forward,
            "train": lambda module, mode: module.train(mode) and None,
            "vjp": lambda *parts: self.crossing.tensors.vjp(*parts),
        }

    def call(self, function: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Call a function or class."""
        return function(*arguments, **options)

    def method(
        self, owner: Any, name: str, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Call a method."""
        return self.attribute(owner, name)(*arguments, **options)

    def attribute(self, owner: Any, name: str) -> Any:
        """Read an attribute."""
        if isinstance(owner, _Holder):
            return getattr(owner.error, name.removeprefix("error."))
        return getattr(owner, name)

    def set_attribute(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute."""
        setattr(owner, name, value)

    def delete_attribute(self, owner: Any, name: str) -> None:
        """Delete an attribute."""
        delattr(owner, name)

    def special(self, owner: Any, name: str, *arguments: Any) -> Any:
        """Call a special method, as Python's syntax would."""
        try:
            return getattr(type(owner), name)(owner, *arguments)
        except StopIteration as stop:
            raise Stop(*stop.args) from None

    def step(self, iterator: Any, way: str, value: Any) -> Any:
        """Advance an iterator or generator."""
        try:
            if way == "next":
                return next(iterator)
            if way == "send":
                return iterator.send(value)
            if way == "throw":
                return iterator.throw(KNOWN.get(f"builtins.{value}", RuntimeError)())
            return iterator.close()
        except StopIteration as stop:
            raise Stop(*stop.args) from None

    def describe(self, number: int) -> Any:
        """What a mirror of an exported class needs to know."""
        return describe(self.crossing.exports.find(number))

    def signature(self, function: Any) -> Any:
        """Rows of (name, kind, has a default, default), or None."""
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            return None
        return [
            (
                found.name,
                int(found.kind),
                found.default is not found.empty,
                found.default if isinstance(found.default, _SIMPLE) else None,
            )
            for found in parameters
        ]

    def copy(self, value: Any, deep: bool) -> Any:
        """As of the module copy."""
        return copy.deepcopy(value) if deep else copy.copy(value)

    def forward(
        self,
        module: Any,
        replaced: dict[str, Any],
        arguments: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        """Call a module, some of its parameters replaced."""
        if replaced:
            call = sys.modules["torch"].func.functional_call
            return call(module, replaced, arguments, options)
        return module(*arguments, **options)


class GuardedOperations(Operations):
    """The same for a stranger: only what an instructor's test has handed over on purpose.

    Functions may be called, iterators advanced, modules run. Of objects only those may be looked
    into whose class the notebook itself defines, and there only public names.
    """

    def handlers(self) -> dict[str, Handler]:
        """Without what only a test asks for."""
        found = super().handlers()
        for name in ("isinstance", "issubclass", "delete"):
            del found[name]
        for name in ("module", "forward", "train"):
            found[name] = _for_modules(found[name])
        for name in ("call", "method", "set", "special", "step", "forward", "train"):
            found[name] = self._noted(found[name])
        return found

    def _noted(self, handler: Handler) -> Handler:
        """What a student's code uses may change; the instructor's is put back afterwards."""

        def noted(owner: Any, *rest: Any) -> Any:
            self.crossing.before_use(owner)
            return handler(owner, *rest)

        return noted

    def call(self, function: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Call a function, or a class or object of the notebook's own."""
        if isinstance(function, type) and not _ours_class(function):
            raise CannotCross(f"a {type(function).__name__} is not called from the other kernel")
        return function(*arguments, **options)

    def attribute(self, owner: Any, name: str) -> Any:
        """Read a public attribute of an object that may be looked into."""
        if callable(owner) and name in ("__doc__", "__name__") and not isinstance(owner, type):
            return self.crossing.words_of(owner) if name == "__doc__" else getattr(owner, name)
        kind = type(owner)
        allowed = visible(name) and (_ours(owner) or _ours_class(owner))
        if issubclass(kind, io.StringIO | io.BytesIO):
            allowed = name in _STREAMS
        elif _is_torch(owner, "optim", "Optimizer"):
            allowed = name in _OPTIMIZER
        elif kind.__module__.startswith("matplotlib."):
            allowed = visible(name) and name not in _NOT_DRAWING
        if not allowed:
            raise CannotCross(f"{str(name)[:50]} of a {kind.__name__} stays in the test kernel")
        return getattr(owner, name)

    def set_attribute(self, owner: Any, name: str, value: Any) -> None:
        """Set a public attribute that holds data."""
        now = getattr(owner, name, None) if visible(name) and _ours(owner) else print
        if callable(now) or callable(value) or self.crossing.holds_foreign(value):
            raise CannotCross(f"{str(name)[:50]} of a {type(owner).__name__} cannot be set")
        setattr(owner, name, value)

    def special(self, owner: Any, name: str, *arguments: Any) -> Any:
        """Call a special method that a class of the notebook defines."""
        defined = name in SPECIALS and any(
            name in vars(kind) for kind in type(owner).__mro__ if kind.__module__ == "__main__"
        )
        holder = any(_is_torch(owner, *path) for path in _HOLDERS)
        if name == "__repr__" and not _is_torch(owner, "nn", "Module"):
            if (text := text_of(owner)) is not None:
                return text
        elif not (defined or (holder and name in _ITERATED) or name == "__repr__"):
            raise CannotCross(f"{str(name)[:50]} of a {type(owner).__name__} stays there")
        return super().special(owner, name, *arguments)

    def describe(self, number: int) -> Any:
        """What a mirror needs to know: of a class that students have not read no words."""
        kind = self.crossing.exports.find(number)
        name, module, doc, *rest, fields, defaults = describe(kind)
        if not self.crossing.is_instructors(kind):
            doc, defaults = None, []
        return (name, module, doc, *rest, fields, defaults)

    def signature(self, function: Any) -> Any:
        """The same without the values of defaults, which this kernel fills in by itself."""
        rows = super().signature(function)
        return rows and [(name, kind, has, None) for name, kind, has, _ in rows]

    def step(self, iterator: Any, way: str, value: Any) -> Any:
        """Advance an iterator that was handed over."""
        if way not in ("next", "send") or not hasattr(type(iterator), "__next__"):
            raise CannotCross("an iterator is only advanced from the other kernel")
        return super().step(iterator, way, value)

    def copy(self, value: Any, deep: bool) -> Any:
        """Copy an object of the notebook's own classes."""
        if not _ours(value):
            raise CannotCross(f"a {type(value).__name__} is not copied from the other kernel")
        return super().copy(value, deep)


def _for_modules(handler: Handler) -> Handler:
    def guarded(module: Any, *rest: Any) -> Any:
        if not _is_torch(module, "nn", "Module"):
            raise CannotCross("no module")
        return handler(module, *rest)

    return guarded


def _ours(value: Any) -> bool:
    return any(kind.__module__ == "__main__" for kind in type(value).__mro__)


def _ours_class(value: Any) -> bool:
    return isinstance(value, type) and value.__module__ == "__main__"


def _is_torch(value: Any, *path: str) -> bool:
    found: Any = sys.modules.get("torch")
    for name in path:
        found = getattr(found, name, None)
    return isinstance(found, type) and isinstance(value, found)


_DESCRIBED = SPECIALS | {"__array__"}


def _written_here(kind: type, name: str) -> bool:
    return getattr(getattr(kind, name), "__module__", "") == "__main__"


def describe(kind: Any) -> Any:
    """A class in words: see `mirror.make_class`, which reads this."""
    if not isinstance(kind, type):
        raise CannotCross("no class")
    mro = [base for base in kind.__mro__ if base is not object]
    torch = sys.modules.get("torch")
    base = ""
    if issubclass(kind, Exception):
        names = [f"{found.__module__}.{found.__qualname__}" for found in mro]
        base = next((name for name in names if name in KNOWN), "builtins.Exception")
    elif torch is not None and hasattr(torch, "nn") and issubclass(kind, torch.nn.Module):
        base = "torch.nn.Module"
        mro = mro[: mro.index(torch.nn.Module)]
    ours = [found for found in mro if found.__module__ == "__main__"]
    fields: list[str] | None = None
    if issubclass(kind, tuple) and hasattr(kind, "_field_defaults"):
        fields = list(getattr(kind, "_fields"))  # noqa: B009 -- of a named tuple
    specials = {name for found in mro for name in _DESCRIBED.intersection(vars(found))}
    if fields is not None:  # what every named tuple has needs no asking
        specials = {name for name in specials if _written_here(kind, name)}
    hidden = {name for name in specials if getattr(kind, name, None) is None}
    methods = {
        name
        for found in ours
        for name, value in vars(found).items()
        if isinstance(value, types.FunctionType) and not name.startswith("_")
    }
    return (
        kind.__name__,
        str(kind.__module__),
        kind.__doc__ if isinstance(kind.__doc__, str) else None,
        base,
        [found for found in kind.__bases__ if found.__module__ == "__main__"],
        sorted(specials - hidden),
        sorted(methods),
        fields,
        list(getattr(kind, "_field_defaults", {}).values()) if fields is not None else [],
    )
