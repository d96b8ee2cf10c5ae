"""Objects of the instructor's classes that a student's code has made.

Their state goes over, their methods do not. The test kernel makes such an object anew, of its own
class and without its constructor, and puts in what the other kernel says that it holds. Nothing
among that may take the place of a method, and nothing of the other kernel's may be called where
the instructor's class has not been given it.
"""

from __future__ import annotations

import ast
import collections
import functools
import inspect
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from .decoding import Decoder
from .tables import reserve, settle
from .values import CannotCross, Encoder
from .wire import WireError

_FILLED: dict[type, Callable[[Any, Any], Any]] = {
    collections.deque: lambda new, held: collections.deque.__init__(new, held, held.maxlen),
    collections.OrderedDict: collections.OrderedDict.update,
    dict: dict.update,
    list: list.extend,
    set: set.update,
    bytearray: bytearray.extend,
}
"""Bases that are made empty: their objects may hold themselves."""
_WHOLE = (float, int, str, bytes, complex, tuple, frozenset)
"""Bases whose objects are made of what they hold."""
_COPIES = frozenset({"list", "tuple", "dict", "set", "deque", "deepcopy", "copy"})


def base_of(kind: type) -> type:
    """What kind of plain data the objects of a class are, besides their attributes.

    Raises:
        CannotCross: they are something that cannot be made from plain data.
    """
    found = next((base for base in kind.__mro__ if base in _FILLED or base in _WHOLE), None)
    if found is not None and not issubclass(kind, collections.defaultdict):
        return found
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "ndarray") and issubclass(kind, numpy.ndarray):
        return numpy.ndarray  # type: ignore[no-any-return]  # NumPy is looked up
    if issubclass(kind, Exception):
        return Exception
    try:
        object.__new__(kind)
    except TypeError:
        strange = next(base for base in kind.__mro__ if base.__module__ != "__main__")
        raise CannotCross(
            f"an object of the class {kind.__name__}, which extends {strange.__name__}"
        ) from None
    return object


def is_plain(kind: type) -> bool:
    """Whether the objects of a class hold nothing but their attributes."""
    try:
        return base_of(kind) is object
    except CannotCross:
        return False


def write(value: Any, encoder: Encoder) -> Any:
    """The node of an object of an instructor's class."""
    kind = type(value)
    base = base_of(kind)
    encoder.number(value)
    held: Any = None
    if base is Exception:
        held = tuple(value.args)
    elif base is collections.deque:
        held = collections.deque(value, value.maxlen)
    elif base.__name__ == "ndarray":
        held = value.view(base)
    elif base is not object:
        held = _plain(base, value)
    items = [part for pair in _state(value) for part in pair]
    return ["I", kind.__name__, encoder.encode(held), *map(encoder.encode, items)]


def _plain(base: Any, value: Any) -> Any:
    """What an object holds as one of its base, whatever its class makes of that."""
    if base is str:
        return str.__str__(value)
    if base is complex:
        return complex(complex.__pos__(value))
    if base is float or base is int:
        return base.__pos__(value)
    if base is bytes or base is bytearray:
        return base(memoryview(value))
    if issubclass(base, dict):
        return base(dict.items(value))
    return base(base.__iter__(value))


def _state(value: Any) -> Iterator[tuple[str, Any]]:
    kind = type(value)
    if kind.__dictoffset__:
        yield from object.__getattribute__(value, "__dict__").items()
    for name in _slots(kind):
        try:
            yield name, object.__getattribute__(value, name)
        except AttributeError:
            continue


def _slots(kind: type) -> list[str]:
    return [
        name
        for base in kind.__mro__
        if base.__module__ == "__main__"
        for name, found in vars(base).items()
        if isinstance(found, types.MemberDescriptorType)
    ]


class Instances:
    """Makes them in the test kernel.

    Args:
        is_foreign: whether a value is a mirror.

    Attributes:
        given: by the name of a class, attributes into which its methods put arguments of theirs;
            there a student's function or object belongs.
    """

    def __init__(self, is_foreign: Callable[[Any], bool]) -> None:
        self._is_foreign = is_foreign
        self.given: dict[str, frozenset[str]] = {}
        self.assigned: set[str] = set()
        """Attributes that the instructor's code, or the reference, assigns to its objects."""
        self._waiting: list[tuple[type, str, Any]] = []

    def learn(self, source: str) -> None:
        """Read from a cell of the instructor's what its classes are given."""
        if "class " not in source:
            return
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                self.assigned.add(node.attr)
            elif isinstance(node, ast.ClassDef):
                self.assigned.update(_annotated(node))
                self.given[node.name] = frozenset(_given(node))

    def read(self, kind: type, node: list[Any], decoder: Decoder) -> Any:
        """The object of a node, which `write` has written."""
        _, _, held, *parts = node
        if len(parts) % 2:
            raise WireError("a malformed object")
        value = self._made(kind, held, decoder)
        slots = _slots(kind)
        for name, item in zip(parts[::2], map(decoder.decode, parts[1::2]), strict=True):
            if type(name) is not str or not name.isidentifier() or name.startswith("__"):
                raise WireError("a malformed attribute")
            if name in slots:
                object.__setattr__(value, name, item)
            elif hides(kind, name) or (
                name not in self.assigned and is_table(inspect.getattr_static(kind, name, None))
            ):
                continue  # a method, a property or a table of the class is the instructor's
            elif kind.__dictoffset__:
                object.__getattribute__(value, "__dict__")[name] = item
            else:
                raise WireError("an attribute that has no place")
            self.hold(kind, name, item)
        return value

    def _made(self, kind: type, held: Any, decoder: Decoder) -> Any:
        base: Any = base_of(kind)
        made: Any
        content: Any
        if base is object:
            decoder.decode(held)
            return decoder.number(object.__new__(kind))
        if base in _FILLED:
            made = decoder.number(base.__new__(kind))
            content = decoder.decode(held)
            if type(content) is not base:
                raise WireError("a malformed object")
            _FILLED[base](made, content)
            return made
        place = reserve(decoder)
        content = decoder.decode(held)
        wanted: Any = tuple if base is Exception else base
        if type(content) is not wanted:
            raise WireError("a malformed object")
        if base is Exception:
            maker = next(each for each in kind.__mro__ if each.__module__ != "__main__")
            made = maker.__new__(kind, *content)
            made.args = content
        elif base.__name__ == "ndarray":
            made = content.view(kind)
        else:
            made = base.__new__(kind, content)
        return settle(decoder, place, made)

    def hold(self, kind: type, name: str, value: Any) -> None:
        """Have `check` look at what an object of an instructor's class holds under a name."""
        if type(value) not in _SCALARS:
            self._waiting.append((kind, name, value))

    def check(self) -> None:
        """Look at what has arrived, now that all of it is there.

        Raises:
            CannotCross: something of the other kernel's stands where it was not given.
        """
        waiting, self._waiting = self._waiting, []
        for kind, name, value in waiting:
            known = frozenset().union(*(self.given.get(k.__name__, ()) for k in kind.__mro__))
            if name not in known and self._is_theirs(name, value, known):
                raise CannotCross(
                    f"an object of the instructor's class {kind.__name__} holds a function or an "
                    f"object of the answer kernel as {name}, where no method of the class puts one"
                )

    def _is_theirs(self, name: str, value: Any, known: frozenset[str]) -> bool:
        if name == "_modules" and type(value) is dict:  # of one of PyTorch's
            return any(
                child not in known and self._is_theirs(child, each, known)
                for child, each in value.items()
                if not is_module(each) or "loss" in child.lower() or "crit" in child.lower()
            )
        seen: set[int] = set()
        waiting = [value]
        while waiting:
            found = waiting.pop()
            if type(found) in _SCALARS or id(found) in seen:
                continue
            seen.add(id(found))
            if self._is_foreign(found):
                return True
            waiting += _inside(found)
        return False


_SCALARS = (type(None), bool, int, float, complex, str, bytes)


def _inside(value: Any) -> list[Any]:
    """What a container holds; objects of classes are looked at by themselves."""
    if isinstance(value, dict):
        factory = [getattr(value, "default_factory", None)]
        return [*dict.keys(value), *dict.values(value), *factory]
    if isinstance(value, list | tuple | set | frozenset | collections.deque):
        return list(value)
    if type(value).__name__ == "ndarray" and value.dtype.hasobject:
        return list(value.ravel())
    return []


def holds_foreign(value: Any, is_foreign: Callable[[Any], bool]) -> bool:
    """Whether a value is, or holds, something of the other kernel's."""
    return Instances(is_foreign)._is_theirs("", value, frozenset())


def is_module(value: Any) -> bool:
    """Whether it is one of PyTorch's modules."""
    torch = sys.modules.get("torch")
    return torch is not None and hasattr(torch, "nn") and isinstance(value, torch.nn.Module)


def hides(kind: type, name: str) -> bool:
    """Whether an attribute of an object would take the place of a method or property."""
    for base in kind.__mro__:
        if name in vars(base):
            found = vars(base)[name]
            return (
                callable(found)
                or hasattr(type(found), "__get__")
                or isinstance(found, functools.cached_property)
            )
    return False


def is_table(found: Any) -> bool:
    """Whether data of a class is what its methods work with: a container that holds something.

    A number, a text or an empty container is what objects are meant to have their own of.
    """
    if type(found).__name__ == "ndarray":
        return bool(found.size)
    return isinstance(found, list | tuple | dict | set | frozenset) and bool(found)


def _annotated(node: ast.ClassDef) -> Iterator[str]:
    for part in node.body:  # fields of a dataclass
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            yield part.target.id


def _given(node: ast.ClassDef) -> Iterator[str]:
    """Attributes into which the methods of a class put what they are called with."""
    for part in node.body:  # fields of a dataclass
        if (
            isinstance(part, ast.AnnAssign)
            and isinstance(part.target, ast.Name)
            and (part.value is None or isinstance(part.value, ast.Constant | ast.Call))
        ):
            yield part.target.id
    for method in node.body:
        if not isinstance(method, ast.FunctionDef) or not method.args.args:
            continue
        owner, names = method.args.args[0].arg, set(_arguments(method))
        for each in ast.walk(method):
            if isinstance(each, ast.Assign | ast.AnnAssign | ast.AugAssign):
                for target, value in _pairs(each):
                    if names & _passed(value) and (held := _attribute(target, owner)):
                        yield held
            elif isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute):
                held = _attribute(each.func.value, owner)
                if held and names & {name for value in each.args for name in _passed(value)}:
                    yield held


def _pairs(node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Targets of an assignment, each with what it gets."""
    if node.value is None:
        return
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
        values = [node.value] * len(parts)
        if len(parts) > 1 and isinstance(node.value, ast.Tuple | ast.List):
            values = node.value.elts
        yield from zip(parts, values, strict=False)


def _arguments(method: ast.FunctionDef) -> Iterator[str]:
    """Arguments of a method without a default that is a function of the instructor's."""
    given = method.args
    every = [*given.posonlyargs, *given.args]
    defaults: list[ast.expr | None] = [None] * (len(every) - len(given.defaults))
    pairs = [*zip(every, [*defaults, *given.defaults], strict=True)]
    pairs += zip(given.kwonlyargs, given.kw_defaults, strict=True)
    for argument, default in pairs[1:]:
        if default is None or isinstance(default, ast.Constant | ast.Tuple | ast.List | ast.Dict):
            yield argument.arg
    if given.vararg is not None:
        yield given.vararg.arg


def _attribute(node: ast.expr, owner: str) -> str:
    """`a` of `self.a`, `self.a[...]` or `self.a.b`; "" for anything else."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        inner = node.value
        if isinstance(node, ast.Attribute) and isinstance(inner, ast.Name) and inner.id == owner:
            return node.attr
        node = inner
    return ""


def _passed(node: ast.expr) -> set[str]:
    """Names whose values an expression passes on as they are."""
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.Call):
        copied = isinstance(node.func, ast.Name) and node.func.id in _COPIES
        return {name for each in node.args for name in _passed(each)} if copied else set()
    if isinstance(node, ast.BoolOp):
        return {name for each in node.values for name in _passed(each)}
    if isinstance(node, ast.IfExp):
        return _passed(node.body) | _passed(node.orelse)
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return {name for each in node.elts for name in _passed(each)}
    if isinstance(node, ast.Dict):
        return {name for each in node.values for name in _passed(each)}
    if isinstance(node, ast.Starred):
        return _passed(node.value)
    if isinstance(node, ast.BinOp):
        return _passed(node.left) | _passed(node.right)
    return set()
