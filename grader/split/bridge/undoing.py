"""The instructor's data: what belongs to it, and how it is put back after each cell.

Cells that are no tests make it. What a student's code does to it, through an argument or an object
that a test has handed over, holds within the test and is undone at its end.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .changes import STREAMS, become, is_tensor
from .functions import RemoteFunction, RemoteIterator
from .instances import _SCALARS, _inside, _slots
from .mirror import RemoteMeta

_MOST = 300_000  # objects that are looked at, which may change
_CHEAP = 10  # tuples of numbers and texts, which may not, that count as one
_CONTAINERS = (list, dict, set, bytearray)
_HOLDING = frozenset({"builtins", "functools", "itertools", "operator", "collections"})
"""Where those classes are whose objects hold others that only the garbage collector tells of: bound
methods of containers, partial functions, iterators, views."""
_FRAMES = (types.FrameType, types.TracebackType, types.CodeType)
Restore = Callable[[], object]


class Keepsakes:
    """What instructor's cells have made, and what it looked like before a student changed it."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._known: dict[int, Any] | None = None
        self._memory: set[int] = set()
        self._complete = True
        """All that is the instructor's is known; else what changes may be, and is put back too."""
        self._noted: set[int] = set()
        self._used: dict[int, Any] = {}
        self._restores: list[Restore] = []

    def learn(self, values: dict[str, Any]) -> None:
        """These names are the instructor's now, each with what it stands for."""
        self._values = {
            name: value for name, value in values.items() if type(value) not in _SCALARS
        }
        self._known = None

    def reaches(self, value: Any) -> bool:
        """Whether a value is the instructor's, a part of it, or shares its memory."""
        if not self._values or type(value) in _SCALARS:
            return False
        if self._known is None:
            # a name that a function looks up is one of these, or is not the instructor's
            self._known, self._complete = _reached(self._values.values(), by_name=False)
            memory = {_memory(each) for each in self._known.values()}
            self._memory = {place for found in memory for place in found}
        return id(value) in self._known or not self._memory.isdisjoint(_memory(value))

    def note(self, value: Any) -> None:
        """The student's code is about to change this; remember it, if it is the instructor's."""
        if id(value) not in self._noted and (self.reaches(value) or not self._complete):
            self._noted.add(id(value))
            restore = _restore(value)
            if restore is not None:
                self._restores.append(restore)

    def note_all(self, owner: Any) -> None:
        """The student's code uses this object, which may change all that it holds."""
        if not self._values or id(owner) in self._used:
            return
        self._used[id(owner)] = owner
        held, complete = _reached([owner])
        for each in held.values():
            self.note(each)
        for each in [] if complete else list((self._known or {}).values()):
            self.note(each)

    @contextlib.contextmanager
    def only_adding(self, owners: Iterable[Any]) -> Iterator[None]:
        """What these hold may become more in this block; if anything is lost, all is put back."""
        before = [
            (value, _content(value), restore)
            for value in _reached(owners)[0].values()
            if isinstance(value, _CONTAINERS) and (restore := _restore(value)) is not None
        ]
        try:
            yield
        finally:
            if any(not _is_more(_content(value), held) for value, held, _ in before):
                for _, _, restore in before:
                    restore()

    def restore(self) -> None:
        """Put everything back; a cell has ended."""
        for restore in reversed(self._restores):
            with contextlib.suppress(Exception):  # the next one is put back all the same
                restore()
        self._restores.clear()
        self._noted.clear()
        self._used.clear()


def _reached(values: Iterable[Any], *, by_name: bool = True) -> tuple[dict[int, Any], bool]:
    """All objects that these hold, themselves included, by their ids; whether that is all.

    Where it is not, each of the values was looked into as far as the others, so that a large one
    takes no room from those that are small.

    Args:
        values: where to begin.
        by_name: what a function looks up under a name is held by it, too.
    """
    found: dict[int, Any] = {}
    walks = [[value] for value in values]
    room = _MOST * _CHEAP
    while walks and room > 0:
        share = max(_CHEAP, room // (2 * len(walks)))
        for waiting in walks:
            room -= _walk(waiting, found, min(share, room), by_name=by_name)
        walks = [waiting for waiting in walks if waiting]
    return found, not walks


def _walk(waiting: list[Any], found: dict[int, Any], room: int, *, by_name: bool) -> int:
    """Look into what is waiting until a share of the room is used; says how much was."""
    used = 0
    while waiting and used < room:
        value = waiting.pop()
        if type(value) in _SCALARS or id(value) in found or isinstance(value, types.ModuleType):
            continue
        if type(value) is tuple and all(type(each) in _SCALARS for each in value):
            used += 1
            continue
        used += _CHEAP
        found[id(value)] = value
        waiting += (each for each in _parts(value, by_name) if type(each) not in _SCALARS)
    return used


def _is_mirror(value: Any) -> bool:
    kind = type(value)  # a mirror of a function says of itself that it is one
    return hasattr(kind, "_crossing") or kind in (RemoteFunction, RemoteIterator, RemoteMeta)


def _parts(value: Any, by_name: bool) -> Iterator[Any]:
    if _is_mirror(value):  # what it holds is on the other side
        return
    if isinstance(value, type):
        if value.__module__ == "__main__":
            yield from vars(value).values()
            yield from value.__bases__
        return
    if type(value) is types.FunctionType:
        for cell in value.__closure__ or ():
            with contextlib.suppress(ValueError):  # it is empty
                yield cell.cell_contents
        yield from value.__defaults__ or ()
        yield from (value.__kwdefaults__ or {}).values()
        yield from value.__dict__.values()
        for name in _names(value.__code__) if by_name else ():
            yield dict.get(value.__globals__, name)
        return
    if type(value) is types.MethodType:
        yield value.__self__
        return
    yield from _inside(value)
    yield from _attributes(value).values()
    kind = type(value)
    if kind.__module__ == "__main__":
        yield kind
    elif kind.__module__ in _HOLDING and not issubclass(kind, (*_CONTAINERS, tuple, *_FRAMES)):
        yield from gc.get_referents(value)


def _content(value: Any) -> dict[Any, Any]:
    """What a container holds, by key or by itself; numbers and texts are not looked at."""
    pairs = value.items() if isinstance(value, dict) else ((id(each), each) for each in value)
    return {key: each for key, each in pairs if type(each) not in _SCALARS}


def _is_more(now: dict[Any, Any], before: dict[Any, Any]) -> bool:
    return all(key in now and now[key] is each for key, each in before.items())


def _names(code: types.CodeType) -> Iterator[str]:
    """Names that a function looks up, and the functions within it."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _names(inner)


def _attributes(value: Any) -> dict[str, Any]:
    """The attributes of an object, without asking its class."""
    found: dict[str, Any] = {}
    kind = type(value)
    if hasattr(kind, "_crossing") or kind.__module__.startswith("pandas."):
        return found
    with contextlib.suppress(AttributeError, TypeError):
        found.update(object.__getattribute__(value, "__dict__"))
    for name in _slots(kind):
        with contextlib.suppress(AttributeError):
            found[name] = object.__getattribute__(value, name)
    return found


def _memory(value: Any) -> frozenset[int]:
    """Where the numbers of an array, tensor or table lie."""
    kind = type(value)
    if is_tensor(value):
        with contextlib.suppress(Exception):  # of a layout that has none
            return frozenset({value.untyped_storage().data_ptr()} - {0})
        return frozenset()
    numpy = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "ndarray"):
        return frozenset()
    if isinstance(value, numpy.ndarray):
        return frozenset({_owner(value, numpy.ndarray)})
    if kind.__module__.startswith("pandas.") and kind.__name__ in ("DataFrame", "Series"):
        columns = [value]
        if kind.__name__ == "DataFrame":
            columns = [value.iloc[:, at] for at in range(value.shape[1])]
        arrays = (column.to_numpy(copy=False) for column in columns)
        return frozenset(_owner(each, numpy.ndarray) for each in arrays)
    return frozenset()


def _owner(value: Any, kind: type) -> int:
    while isinstance(value.base, kind):
        value = value.base
    return int(value.__array_interface__["data"][0])


def _restore(value: Any) -> Restore | None:
    """How to make a value again what it is now."""
    kind = type(value)
    if is_tensor(value):
        data, grad = value.detach().clone(), value.grad if value.is_leaf else None
        wanted = value.requires_grad
        copy = None if grad is None else grad.clone()

        def tensor() -> None:
            value.data.copy_(data)
            if value.is_leaf:
                value.requires_grad_(wanted)
                value.grad = grad
                if grad is not None and copy is not None:
                    grad.data.copy_(copy)

        return tensor
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "ndarray") and isinstance(value, numpy.ndarray):
        if not value.flags.writeable:
            return None
        entries = value.copy()
        return lambda: numpy.copyto(value, entries)
    if kind in STREAMS:
        text, place = value.getvalue(), value.tell()
        return lambda: _rewind(value, text, place)
    if kind.__module__.startswith("pandas."):
        table = value.copy()
        return lambda: become(value, table)
    attributes = dict(_attributes(value))
    content: Any = None
    if isinstance(value, _CONTAINERS) or hasattr(value, "maxlen"):
        content = value[:] if isinstance(value, list | bytearray) else value.copy()
    if isinstance(value, type) or (content is None and not attributes):
        return None

    def plain() -> None:
        if content is not None:
            become(value, content)
        _put_back(value, attributes)

    return plain


def _put_back(value: Any, attributes: dict[str, Any]) -> None:
    now = _attributes(value)
    if now.keys() == attributes.keys() and all(now[name] is attributes[name] for name in now):
        return
    slots = _slots(type(value))
    with contextlib.suppress(AttributeError, TypeError):
        held = object.__getattribute__(value, "__dict__")
        held.clear()
        held.update({name: each for name, each in attributes.items() if name not in slots})
    for name in slots:
        if name in attributes:
            object.__setattr__(value, name, attributes[name])


def _rewind(value: Any, text: Any, place: int) -> None:
    value.seek(0)
    value.truncate()
    value.write(text)
    value.seek(place)
