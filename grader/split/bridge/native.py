"""Functions of a test that students have read: they go over as text, and run beside the student's.

`split/shown.py` says, from the text of the released notebook alone, which functions only compute.
Here the test kernel makes sure that an object is that very function and that its names mean what
the text meant, and the answer kernel makes a function of the text. Nothing but the text, names of
modules and a number goes over.
"""

from __future__ import annotations
import __future__

import builtins
import functools
import importlib
import linecache
import marshal
import operator
import sys
import types
import warnings
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

COMPUTING = frozenset(
    """
    math cmath itertools functools operator collections statistics fractions typing collections.abc
    numpy numpy.linalg numpy.fft numpy.polynomial
    scipy.special scipy.linalg scipy.fft scipy.integrate scipy.interpolate scipy.constants
    scipy.spatial.distance
    torch torch.nn.functional torch.linalg torch.special torch.fft torch.func torch.autograd
    """.split()  # noqa: SIM905 -- readable
)
"""Modules whose functions depend on their arguments only, those apart that `shown.py` denies."""
PASSAGES = frozenset({"torch.nn", "scipy", "scipy.spatial"})
"""Modules that a function may only read such a module from."""
_BUILTINS = dict(vars(builtins))
_FUTURE = functools.reduce(
    operator.or_, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
)


class Text(NamedTuple):
    """A function as the released notebook shows it.

    Attributes:
        name: of the function.
        source: its def statement.
        imports: dotted paths by the global names that stand for them: "numpy" by "np".
        reads: what it reads of those, in dotted paths as well.
        calls: names of further such functions that it calls, its own too where it does.
        builtins: those that it uses.
    """

    name: str
    source: str
    imports: dict[str, str]
    reads: list[str]
    calls: list[str]
    builtins: list[str]


class Shown:
    """Recognises shown functions in the test kernel, and says how they go over.

    A function stays a mirror where the other side holds an object of the test's that it could
    meet: there it would see a mirror of that object, here it sees the object itself.

    Args:
        names: of the test kernel.
        rows: shown functions, each as the parts of a `Text`; more may be put in later.
    """

    def __init__(self, names: dict[str, Any], rows: Sequence[Sequence[Any]] = ()) -> None:
        self._names = names
        self._rows = rows
        self._objects: set[int] = set()
        self._waiting: list[list[Any]] = []
        self.settle()

    def settle(self) -> None:
        """Switches of libraries stand as they do in the answer kernel: no test has moved them."""
        self._switches = _switches()

    def node(self, value: Any, node: list[Any]) -> list[Any]:
        """The node of an object that stays here, or of the function as text."""
        _, number, kind, *_ = node
        if kind in ("o", "N", "c"):
            self._objects.add(number)
        texts = self._texts(value) if kind == "f" and type(value) is types.FunctionType else None
        if texts is None or _switches() != self._switches:
            return node
        imports = {name: path for text in texts for name, path in text.imports.items()}
        pairs = [part for text in texts for part in (text.name, text.source)]
        found = ["fn", number, [part for pair in imports.items() for part in pair], pairs]
        self._waiting.append(found)
        return found

    def finish(self, alive: Any) -> None:
        """The message is complete; `alive` holds the numbers of all that the other side has."""
        self._objects = {number for number in self._objects if number in alive}
        if self._objects:
            for node in self._waiting:
                _, number, _, pairs = node
                node[:] = ["H", number, "f", pairs[0]]
        self._waiting.clear()

    def _texts(self, function: types.FunctionType) -> list[Text] | None:
        """Its text and then those that it calls, its own once more where it does."""
        main = self._recognised(function)
        if main is None:
            return None
        found: dict[str, Text] = {}
        waiting = list(main.calls)
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            callee = dict.get(self._names, name)
            if name == main.name and callee is not function:
                return None
            text = self._recognised(callee)
            if text is None or text.name != name:
                return None
            found[name] = text
            waiting += text.calls
        return [main, *found.values()]

    def _recognised(self, function: Any) -> Text | None:
        if type(function) is not types.FunctionType or function.__globals__ is not self._names:
            return None
        for row in self._rows:
            if row[0] == function.__name__:
                text = Text(*row)
                if self._means_the_same(text) and _is(function, text):
                    return text
        return None

    def _means_the_same(self, text: Text) -> bool:
        """Whether the function's global names stand for what its text says, right now."""
        missing = object()  # asked like this, no name is looked for in the answer kernel
        return (
            all(
                dict.get(self._names, name, missing) is _BUILTINS.get(name)
                for name in text.builtins
            )
            and all(
                dict.get(self._names, name, missing) is _found(path)
                for name, path in text.imports.items()
            )
            and all(map(_computes, text.reads))
        )


def make(imports: list[str], pairs: list[str]) -> types.FunctionType:
    """The function of a node, in the answer kernel.

    Args:
        imports: names and dotted paths in turn.
        pairs: names and texts in turn: its own first, then those that it calls.
    """
    names: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
    for name, path in _by_two(imports):
        names[name] = _found(path)
    (own, source), *others = _by_two(pairs)
    exec(_readable(own, source), names)  # noqa: S102 -- the instructor's text
    function: types.FunctionType = names.pop(own)
    for name, text in others:
        if name == own:
            names[name] = function
        else:
            exec(_readable(name, text), names)  # noqa: S102 -- as above
    return function


@functools.lru_cache(maxsize=256)
def _readable(name: str, source: str) -> types.CodeType:
    """Compiled so that `inspect` and tracebacks find the text."""
    place = f"<{name} of the notebook, {zlib.crc32(source.encode()):08x}>"
    linecache.cache[place] = (len(source), None, (source + "\n").splitlines(True), place)
    return _compiled(source, place)


def _compiled(source: str, place: str, future: int = 0) -> types.CodeType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the cell has warned already
        code: types.CodeType = compile(source, place, "exec", future, dont_inherit=True)
    return code


def _by_two(parts: list[str]) -> Iterator[tuple[str, str]]:
    return zip(parts[::2], parts[1::2], strict=True)


def _is(function: types.FunctionType, text: Text) -> bool:
    """Whether a function is what its text makes, and no more."""
    code = function.__code__
    future = code.co_flags & _FUTURE  # a notebook's __future__ imports hold for its later cells
    made = _made(text.source, code.co_firstlineno, future, tuple(text.imports.items()))
    return (
        made is not None
        and not function.__dict__
        and code == made.__code__
        and function.__qualname__ == text.name
        and repr(function.__annotations__) == repr(made.__annotations__)
        and _same(function.__doc__, made.__doc__)
        and _same(function.__defaults__, made.__defaults__)
        and _same(function.__kwdefaults__, made.__kwdefaults__)
    )


def _same(one: Any, other: Any) -> bool:
    """Whether two defaults are the same plain constants: 1, 1.0 and True are three."""
    try:
        return marshal.dumps(one, 2) == marshal.dumps(other, 2)
    except ValueError:  # no plain constant
        return False


@functools.lru_cache(maxsize=256)
def _made(
    source: str, line: int, future: int, imports: tuple[tuple[str, str], ...]
) -> types.FunctionType | None:
    """What a text makes on this line of a cell, under these __future__ features."""
    names: dict[str, Any] = {name: _found(path) for name, path in imports}
    before = set(names) | {"__builtins__"}
    try:
        exec(_compiled("\n" * (line - 1) + source, "<shown>", future), names)  # noqa: S102 -- as above
    except Exception:  # of an annotation, for one
        return None
    (made,) = (found for name, found in names.items() if name not in before)
    return made if isinstance(made, types.FunctionType) else None


def _found(path: str) -> Any:
    """What a dotted path leads to."""
    top, *parts = path.split(".")
    found: Any = importlib.import_module(top)
    for part in parts:
        found = getattr(found, part)
    return found


def _computes(path: str) -> bool:
    """Whether what a dotted path leads to is directly in a module that computes."""
    top, *parts = path.split(".")
    found: Any = sys.modules.get(top)
    for part in parts:
        if not isinstance(found, types.ModuleType):
            return found is not None  # an attribute of what was read
        name, found = found.__name__, getattr(found, part, None)
        inside = isinstance(found, types.ModuleType)
        if not (name in COMPUTING or (inside and name in PASSAGES)):
            return False
    return found is not None and not isinstance(found, types.ModuleType)


def _switches() -> Any:
    """What libraries were told that changes results: how NumPy takes errors, PyTorch's defaults."""
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    return (
        numpy.geterr() if numpy is not None and hasattr(numpy, "geterr") else None,
        (torch.get_default_dtype(), torch.get_default_device())
        if torch is not None and hasattr(torch, "get_default_device")
        else None,
    )
