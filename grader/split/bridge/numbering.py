"""Objects that stay on their side, and what stands for them on the other, by number."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from .values import CannotCross
from .wire import WireError


class Exports:
    """Objects of this side that the other one holds mirrors of, each under a number.

    An object stays until the other side has dropped every mention that was sent, or this side
    forgets it; a number is never given twice.
    """

    def __init__(self) -> None:
        self._objects: dict[int, list[Any]] = {}
        self._numbers: dict[int, int] = {}
        self._next = 0

    def add(self, value: Any) -> int:
        """The number of `value`, which is mentioned once more."""
        number = self._numbers.get(id(value))
        if number is None:
            number = self._next = self._next + 1
            self._numbers[id(value)] = number
            self._objects[number] = [value, 0]
        self._objects[number][1] += 1
        return number

    def find(self, number: Any) -> Any:
        """The object of a number.

        Raises:
            WireError: there is none.
        """
        if type(number) is int and number not in self._objects and 0 < number <= self._next:
            raise CannotCross("an object that was handed over in an earlier test")
        if type(number) is not int or number not in self._objects:
            raise WireError("an object that was never sent")
        return self._objects[number][0]

    def number_of(self, value: Any) -> int:
        """The number of an object; 0 where it has none."""
        return self._numbers.get(id(value), 0)

    def __contains__(self, number: object) -> bool:
        return number in self._objects

    def release(self, number: Any, mentions: Any) -> None:
        """The other side has dropped `mentions` of them."""
        if type(mentions) is not int or mentions < 1 or type(number) is not int:
            raise WireError("a malformed release")
        entry = self._objects.get(number)
        if entry is None:
            if not 0 < number <= self._next:
                raise WireError("an object that was never sent")
            return
        entry[1] -= mentions
        if entry[1] <= 0:
            self._forget(number)

    def keep_only(self, wanted: Callable[[Any], bool]) -> None:
        """Forget all objects but those: their numbers stand for nothing from now on."""
        for number, (value, _) in list(self._objects.items()):
            if not wanted(value):
                self._forget(number)

    def _forget(self, number: int) -> None:
        value, _ = self._objects.pop(number)
        del self._numbers[id(value)]


class Mirrors:
    """What stands here for objects of the other side, by number, as long as anybody holds it."""

    def __init__(self) -> None:
        self._live: dict[int, weakref.ref[Any]] = {}
        self._mentions: dict[int, int] = {}
        self._numbers: dict[int, int] = {}
        self.dropped: list[Any] = []

    def number_of(self, value: Any) -> int | None:
        """The number of a mirror; None for any other object."""
        if (twin := getattr(type(value), "_twin_of", None)) is not None:
            value = twin(value)
        number = self._numbers.get(id(value))
        if number is not None:
            found = self._live.get(number)
            if found is not None and found() is value:
                return number
        return None

    def get(self, number: int, make: Callable[[], Any]) -> Any:
        """The mirror of a number, made where there is none; one more mention of it arrived."""
        self._mentions[number] = self._mentions.get(number, 0) + 1
        found = self._live.get(number)
        mirror = None if found is None else found()
        if mirror is None:
            mirror = make()
            self.meet(number, mirror)
        return mirror

    def meet(self, number: int, mirror: Any) -> None:
        """A mirror of this number is there, or is being made and may be asked already."""
        if self._numbers.get(id(mirror)) != number:
            self._live[number] = weakref.ref(mirror)
            self._numbers[id(mirror)] = number
            weakref.finalize(mirror, self._drop, number, id(mirror)).atexit = False

    def _drop(self, number: int, identity: int) -> None:
        if self._numbers.get(identity) == number:
            del self._numbers[identity]
        found = self._live.get(number)
        if found is not None and found() is None:
            del self._live[number]
            self.dropped.append([number, self._mentions.pop(number)])
