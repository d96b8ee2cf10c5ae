"""Mirrors: what stands on one side for a function, class or object that stays on the other.

A mirror answers from what its owner says, one question at a time, and never lends itself to
protocols that read memory (`__array_interface__`, buffers) or steer a library
(`__torch_function__`). Special methods are asked for only where the owner's class defines them.
"""

from __future__ import annotations

import abc
import numbers
import sys
import types
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .errors import KNOWN
from .inheriting import inherited
from .peer import Stop
from .special import ARITHMETIC, COMPARING, MEETING, SPECIALS
from .suppressing import may_end
from .values import CannotCross
from .wire import WireError

if TYPE_CHECKING:
    from .crossing import Crossing

_SAME = frozenset({"__iter__", "__enter__"}) | {f"__i{name}__" for name in ARITHMETIC.split()}
"""Those that usually return the object itself."""
_RESULTS: dict[str, tuple[type, ...]] = {
    "__len__": (int,),
    "__bool__": (bool,),
    "__hash__": (int,),
    "__str__": (str,),
    "__repr__": (str,),
    "__format__": (str,),
    "__int__": (int,),
    "__index__": (int,),
    "__float__": (float,),
    "__complex__": (complex,),
    "__contains__": (bool,),
}
_CLAIMED = (
    "matplotlib.",
    "mpl_toolkits.",
    "seaborn.",
    "networkx.",
    "sklearn.",
    "scipy.stats.",
    "scipy.interpolate.",
    "statsmodels.",
    "plotly.",
    "gymnasium.",
    "gym.",
    "torch.nn.modules.",
    "torch.optim.",
    "torch.utils.data.",
)
"""Libraries whose classes a mirror may pose as in `isinstance`: none of numbers or data."""
_DATA = (int, float, complex, str, bytes, list, tuple, dict, set, frozenset, numbers.Number)
_CLAIMED_CLASSES = frozenset(
    {"functools.partial", "random.Random", "logging.Logger", "argparse.Namespace"}
    | {"threading.Thread", "string.Template", "itertools.count", "itertools.cycle"}
    | {"contextlib._GeneratorContextManager", "contextlib.ExitStack"}
)
"""The same of Python's own."""


class Remote:
    """An object of the other side. Subclasses are made by `make_class`."""

    __slots__ = ("__weakref__", "_asked", "_number", "_original")
    _mirrors_only = True
    _crossing: Crossing
    _number: int
    _asked: bool
    """Whether this side made it by calling its class: then its own comparison is what is asked."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Make the mirror of a class known before hooks of the instructor's classes ask it."""
        if (number := vars(cls).get("_class_number")) is None:
            return
        cls._crossing.mirrors.meet(number, cls)
        if cls.__name__ not in cls._crossing.shared:  # else it would stand for the instructor's
            super().__init_subclass__(**options)

    @property
    def __dict__(self) -> Any:  # type: ignore[override]  # a copy of the owner's
        return self._crossing.peer.ask("attr", self, "__dict__")

    @staticmethod
    def _twin_of(value: Any) -> Any:
        original = object.__getattribute__(value, "_original")
        return value if original is None else original

    def __getattr__(self, name: str) -> Any:
        if name == "_original" or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(name)
        value = self._crossing.peer.ask("attr", self, name)
        self._crossing.lent.note((self, name), value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        self._crossing.peer.ask("set", self, name, value)

    def __delattr__(self, name: str) -> None:
        self._crossing.peer.ask("delete", self, name)

    def __repr__(self) -> str:
        return str(special_of(self, "__repr__"))

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise CannotCross(f"a {type(self).__name__} stays in the answer kernel; it is not pickled")

    def __copy__(self) -> Any:
        return self._crossing.peer.ask("copy", self, False)

    def __deepcopy__(self, memo: Any) -> Any:
        return self._crossing.peer.ask("copy", self, True)


def _twin(made: Remote) -> Any:
    """The same object, but as what a test made itself; nothing that comes back later is this."""
    twin = object.__new__(type(made))
    object.__setattr__(twin, "_number", made._number)
    object.__setattr__(twin, "_asked", True)
    object.__setattr__(twin, "_original", made)
    return twin


def special_of(self: Any, name: str, *arguments: Any) -> Any:
    """Ask the owner for a special method, and accept no lie about what kind of thing it gives."""
    try:
        result = self._crossing.peer.ask("special", self, name, *arguments)
    except Stop:
        if name != "__next__":  # anywhere else it would end a loop of the test's
            raise RuntimeError(f"{name} raised StopIteration") from None
        raise StopIteration from None
    if result is not self and name in _SAME and result is getattr(self, "_original", None):
        return self
    kinds = _RESULTS.get(name)
    if kinds is not None and type(result) not in kinds:
        raise TypeError(f"{name} returned a {type(result).__name__}")
    return result


def passing(name: str) -> Callable[..., Any]:
    """A special method that is asked of the owner."""
    if name == "__call__":
        return _called
    if name == "__exit__":
        return _left

    def method(self: Any, *arguments: Any) -> Any:
        return special_of(self, name, *arguments)

    method.__name__ = name
    return method


def _left(self: Any, kind: Any, error: Any, trace: Any) -> Any:
    ended = special_of(self, "__exit__", kind, error, trace)
    if error is None:
        return ended
    return bool(ended) and may_end(error, sys._getframe(1), self._crossing.namespace)


def _called(self: Any, *arguments: Any, **options: Any) -> Any:
    return self._crossing.peer.ask("call", self, arguments, options)


def _meeting(name: str) -> Callable[..., Any]:
    """A special method that meets another value, which may be what a test expects."""

    def method(self: Any, other: Any) -> Any:
        theirs = self._crossing.mirrors.number_of(other) is not None
        if not theirs and not self._asked:
            if other is None and name in COMPARING:
                return NotImplemented
            raise CannotCross(
                f"the answer is an object of the class {type(self).__name__}, which is neither "
                f"compared nor computed with a {type(other).__name__}: it would decide the result"
            )
        return special_of(self, name, other)

    method.__name__ = name
    return method


class RemoteMeta(abc.ABCMeta):
    """The type of mirrored classes; calling one makes an object on the other side."""

    def __call__(cls, *arguments: Any, **options: Any) -> Any:
        """Make an object on the other side."""
        crossing = cls.__dict__.get("_crossing")
        if crossing is None:
            raise CannotCross(
                f"{cls.__name__} extends a class of the other kernel, which cannot be done here"
            )
        made = crossing.peer.ask("call", cls, arguments, options)
        meets = any(name in vars(kind) for kind in cls.__mro__[:-1] for name in MEETING)
        if isinstance(made, Remote) and meets and cls.__dict__.get("_asked_for"):
            return _twin(made)
        return made

    def __getattr__(cls, name: str) -> Any:
        crossing = cls.__dict__.get("_crossing")
        if crossing is None or name.startswith("_"):
            raise AttributeError(name)
        return crossing.peer.ask("attr", cls, name)

    def __setattr__(cls, name: str, value: Any) -> None:
        crossing = cls.__dict__.get("_crossing")
        if crossing is None or name.startswith("_"):
            type.__setattr__(cls, name, value)
        else:
            crossing.peer.ask("set", cls, name, value)

    @property
    def __bases__(cls) -> tuple[type, ...]:  # type: ignore[override]  # as on the other side
        """Its bases, those left out that only a mirror has."""
        return tuple(_shown(type.__dict__["__bases__"].__get__(cls))) or (object,)

    @property
    def __mro__(cls) -> tuple[type, ...]:
        """Where a method is looked for, those left out that only a mirror has."""
        return tuple(_shown(type.__dict__["__mro__"].__get__(cls)))

    def mro(cls) -> list[type]:
        """The same as a list; Python itself asks for all while the class is made."""
        made = type.__dict__["__mro__"].__get__(cls)
        return type.mro(cls) if made is None else list(cls.__mro__)

    def __iter__(cls) -> Iterator[Any]:
        return iter(special_of(cls, "__iter__"))

    def __len__(cls) -> int:
        return int(special_of(cls, "__len__"))

    def __bool__(cls) -> bool:
        return True

    def __getitem__(cls, key: Any) -> Any:
        return special_of(cls, "__getitem__", key)

    def __instancecheck__(cls, value: Any) -> bool:
        if type.__instancecheck__(cls, value):
            return True
        crossing = cls.__dict__.get("_crossing")
        if crossing is None or crossing.mirrors.number_of(value) is None:
            return False
        return crossing.peer.ask("isinstance", value, cls) is True

    def __subclasscheck__(cls, other: Any) -> bool:
        if type.__subclasscheck__(cls, other):
            return True
        crossing = cls.__dict__.get("_crossing")
        if crossing is None or crossing.mirrors.number_of(other) is None:
            return False
        return crossing.peer.ask("issubclass", other, cls) is True


def _instructors(crossing: Crossing, parents: list[Any]) -> Iterator[type]:
    """The instructor's classes that a mirrored class extends, nearest first."""
    for parent in parents:
        if isinstance(parent, type):
            mro = type.__dict__["__mro__"].__get__(parent)
            yield from (kind for kind in mro if crossing.is_instructors(kind))


def _shown(kinds: tuple[type, ...]) -> Iterator[type]:
    """Those classes that the other side has, too."""
    return (kind for kind in kinds if "_mirrors_only" not in vars(kind))


def _no_array(self: Any, *_: Any, **__: Any) -> Any:
    raise CannotCross(
        f"an object of the class {type(self).__name__} is not made an array: its own __array__ "
        "would decide what is in it"
    )


def make_class(crossing: Crossing, number: int) -> type:
    """A class that mirrors the other side's class of this number."""
    described = crossing.peer.ask("describe", number)
    name, module, doc, base, parents, specials, methods, fields, defaults = _described(described)
    if fields is not None:
        from .tuples import make_tuple, with_methods

        found = with_methods(crossing, make_tuple(name, fields, defaults), specials)
        locked = list(_instructors(crossing, parents))
        for method, kept in inherited(locked, crossing.overrides, _method).items():
            if not method.startswith("_") and isinstance(kept, types.FunctionType | property):
                setattr(found, method, kept)
        return found
    body: dict[str, Any] = {
        "__module__": "__main__",
        "__doc__": doc,
        "__qualname__": name,
        "__slots__": (),
        "_crossing": crossing,
        "_class_number": number,
    }
    if "__array__" in specials and "__eq__" not in specials:  # which refuses by itself
        body["__array__"] = _no_array
    for special in SPECIALS.intersection(specials):
        body[special] = _meeting(special) if special in MEETING else passing(special)
    if "__eq__" in specials and "__hash__" not in specials:
        body["__hash__"] = None
    if "__eq__" in specials and "__ne__" not in specials:
        body["__ne__"] = _meeting("__ne__")
    for method in methods:
        body.setdefault(method, _method(method))
    locked = list(_instructors(crossing, parents))
    body.update(inherited(locked, crossing.overrides, _method))
    if base == "torch.nn.Module":
        return _module_class(name, module, body, parents)
    if base:
        return _exception_class(name, body, base, parents)
    claimed = _claimed(module, name)
    if claimed is not None:
        body["__class__"] = property(lambda self: claimed)
    kinds = [parent for parent in parents if isinstance(parent, type)]
    mirrors = tuple(kind for kind in kinds if issubclass(kind, Remote)) or (Remote,)
    ours = tuple(kind for kind in kinds if crossing.is_instructors(kind))
    try:
        with crossing.only_adding(ours):
            return RemoteMeta(name, (*mirrors, *ours), body)
    except TypeError:  # a class of ours that cannot be extended like this
        return RemoteMeta(name, mirrors, body)


def _module_class(name: str, module: str, body: dict[str, Any], parents: list[Any]) -> type:
    from .modules import RemoteModule

    del body["__slots__"]
    claimed = _claimed(module, name) if module.startswith("torch.nn.") else None
    if claimed is not None:
        body["__class__"] = property(lambda self: claimed)
    for asked in ("train", "__call__", "__repr__"):
        body.pop(asked, None)
    if hasattr(body.get("forward"), "_passed_on"):  # else it is the instructor's
        del body["forward"]
    bases = tuple(
        parent
        for parent in parents
        if isinstance(parent, type) and issubclass(parent, RemoteModule)
    )
    return RemoteMeta(name, bases or (RemoteModule,), body)


def _described(found: Any) -> Any:
    """The parts of a description, each of the kind that it must be."""
    if type(found) is not tuple or len(found) != 9:
        raise WireError("a malformed description")
    name, module, doc, base, parents, specials, methods, fields, defaults = found
    texts = all(type(text) is str for text in (name, module, base, *specials, *methods))
    lists = all(type(part) is list for part in (parents, specials, methods))
    if not (texts and lists and name.isidentifier()):
        raise WireError("a malformed description")
    if any(not method.isidentifier() or method.startswith("_") for method in methods):
        raise WireError("a malformed description")
    if fields is not None and (type(fields) is not list or any(type(f) is not str for f in fields)):
        raise WireError("a malformed description")
    return (
        name,
        module,
        doc if type(doc) is str else None,
        base,
        parents,
        specials,
        methods,
        fields,
        defaults,
    )


def _exception_class(name: str, body: dict[str, Any], base: str, parents: list[Any]) -> type:
    """A real exception class, since nothing else can be caught."""
    found = [kind for kind in parents if isinstance(kind, type) and issubclass(kind, Exception)]
    kinds = tuple(found) or (KNOWN.get(base, Exception),)
    crossing = body["_crossing"]

    def read(self: Any, attribute: str) -> Any:
        held = self.__dict__.get("_held")
        if held is None or attribute.startswith("_"):
            raise AttributeError(attribute)
        return crossing.peer.ask("attr", held, "error." + attribute)

    return type(name, kinds, {"__module__": "__main__", "__getattr__": read})


def _method(name: str) -> Callable[..., Any]:
    def method(self: Any, *arguments: Any, **options: Any) -> Any:
        expected = self._crossing.expected
        known = expected is None or any(kind.__name__ in expected for kind in type(self).__mro__)
        if not known and (arguments or options):
            raise CannotCross(
                f"the answer is an object of the class {type(self).__name__}, which the "
                f"assignment does not know: its method {name} is not asked about a test's values"
            )
        return self._crossing.peer.ask("method", self, name, arguments, options)

    method.__name__ = name
    method._passed_on = True  # type: ignore[attr-defined]  # a mark of ours
    return method


def _claimed(module: str, name: str) -> type | None:
    """The library's class that a mirror may pose as: never one whose objects libraries believe."""
    if not (f"{module}.".startswith(_CLAIMED) or f"{module}.{name}" in _CLAIMED_CLASSES):
        return None
    found = getattr(sys.modules.get(module), name, None)
    if not isinstance(found, type) or issubclass(found, _DATA):
        return None
    return found if found.__module__ == module else None


def make_instance(crossing: Crossing, number: int, cls: type) -> Any:
    """A mirror of an object whose class is mirrored by `cls`."""
    if not issubclass(cls, Remote):
        raise WireError("an object of a class that has no mirror")
    made = object.__new__(cls)
    object.__setattr__(made, "_number", number)
    object.__setattr__(made, "_asked", False)
    object.__setattr__(made, "_original", None)
    return made
