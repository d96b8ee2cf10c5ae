"""Mirrors of functions and iterators of the other side."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .errors import CrossingAttributeError
from .peer import Stop
from .values import CannotCross
from .wire import WireError

if TYPE_CHECKING:
    from .crossing import Crossing


class RemoteFunction:
    """A function of the other side.

    Its code stays there: what asks for `__code__` or the source is told so.
    """

    def __init__(self, crossing: Crossing, number: int, name: str) -> None:
        self.__dict__.update(_crossing=crossing, _number=number, __name__=name)
        self.__dict__["__qualname__"] = name

    @classmethod
    def of_class(cls, kind: Any, name: str) -> RemoteFunction:
        """A class of the other side where a function is expected: it is called, and no more."""
        crossing = kind.__dict__["_crossing"]
        made = cls(crossing, 0, name)
        made.__dict__["_original"] = kind
        return made

    @staticmethod
    def _twin_of(value: Any) -> Any:
        return value.__dict__.get("_original", value)

    @property  # type: ignore[misc]  # on purpose: what isinstance asks for
    def __class__(self) -> Any:
        """Tests ask `isinstance(f, types.FunctionType)`."""
        return types.FunctionType

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Call it on the other side."""
        recorded = self.__dict__.get("_recorded")
        if recorded is not None:
            recorder, name = recorded
            return recorder.call(name, self._ask, arguments, options)
        return self._ask(arguments, options)

    def _ask(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        return self._crossing.peer.ask("call", self, arguments, options)

    def __beside__(
        self, helper: str, arguments: tuple[Any, ...], options: dict[str, Any], *rest: Any
    ) -> Any:
        """What a helper of the notebook's given cells finds out of a call of this function there.

        Args:
            helper: its name. It takes this function and all that follows here, and returns a tuple:
                what the function returned, and what only its own side can see.
            arguments: of the function.
            options: its named arguments.
            rest: of the helper.
        """
        if self._crossing.trusts:  # a student's own check of a test's function looks from here
            return self._crossing.namespace[helper](self, arguments, options, *rest)
        seen: list[Any] = []

        def ask(arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
            question = (helper, self, arguments, options, rest)
            found = self._crossing.peer.ask("beside", *question)
            if type(found) is not tuple or not found:
                raise WireError("a helper that found nothing")
            seen[:] = found[1:]
            return found[0]

        recorded = self.__dict__.get("_recorded")
        if recorded is None:
            return (ask(arguments, options), *seen)
        recorder, name = recorded
        return (recorder.call(name, ask, arguments, options), *seen)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    @property
    def __doc__(self) -> Any:  # type: ignore[override]  # a function's is its owner's
        found = self._crossing.peer.ask("attr", self, "__doc__")
        return self._crossing.words.get(found, found) if type(found) is str else found

    @property
    def __signature__(self) -> inspect.Signature:
        rows = self._crossing.peer.ask("signature", self)
        if rows is None:
            raise AttributeError("__signature__")
        empty = inspect.Parameter.empty
        return inspect.Signature(
            [
                inspect.Parameter(
                    name, inspect._ParameterKind(kind), default=default if has else empty
                )
                for name, kind, has, default in rows
            ]
        )

    def __getattr__(self, name: str) -> Any:
        if name in ("__wrapped__", "__text_signature__", "__partialmethod__"):
            raise AttributeError(name)
        if name in ("__code__", "__globals__", "__closure__", "__defaults__", "__kwdefaults__"):
            raise CrossingAttributeError(
                f"{name} of {self.__name__} stays in the answer kernel; a test cell that needs it "
                "must run there (### GRADER: ANSWER KERNEL)"
            )
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return self._crossing.peer.ask("attr", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._crossing.peer.ask("set", self, name, value)

    def __repr__(self) -> str:
        return f"<function {self.__name__}>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise CannotCross(f"{self.__name__} stays in the answer kernel; it is not pickled")

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self


class RemoteIterator(Iterator[Any]):
    """An iterator or generator of the other side."""

    def __init__(self, crossing: Crossing, number: int, generator: bool) -> None:
        self._crossing = crossing
        self._number = number
        self._generator = generator

    @property  # type: ignore[misc]  # on purpose: what isinstance asks for
    def __class__(self) -> Any:
        """Tests ask `isinstance(g, types.GeneratorType)`."""
        return types.GeneratorType if self._generator else RemoteIterator

    def __next__(self) -> Any:
        return self._step("next", None)

    def send(self, value: Any) -> Any:
        """As of a generator."""
        return self._step("send", value)

    def throw(self, error: Any) -> Any:
        """As of a generator, with a plain message."""
        name = error.__name__ if isinstance(error, type) else type(error).__name__
        return self._step("throw", name)

    def close(self) -> None:
        """As of a generator."""
        self._step("close", None)

    def _step(self, way: str, value: Any) -> Any:
        try:
            return self._crossing.peer.ask("step", self, way, value)
        except Stop as stop:
            raise StopIteration(*stop.args) from None
