"""Which values a cell changes in place, seen by running it: what they hold before and after.

Both kernels of a graded notebook have a copy of what an instructor's cell defines, so a change that
the text of the reference does not show reaches only one of them (`grader.release.altering`).

Loaded into the processes that run versions of a notebook, so it imports no library of its own.
"""

from __future__ import annotations

import functools
import hashlib
import types
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

_NO_DATA = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type)
_ATOMS = (int, float, complex, str, bytes, bytearray, range, type(None))
_DEPTH = 40


class Altered:
    """Follows the instructor's values through one run of a notebook."""

    def __init__(self) -> None:
        self._given: dict[str, Any] = {}
        self._looks: dict[str, str] = {}

    def take(self, before: Mapping[str, Any], namespace: Mapping[str, Any]) -> None:
        """An instructor's cell has run: what it defined anew is the instructor's.

        Args:
            before: the names as they were before the cell.
            namespace: the names now.
        """
        for name, value in namespace.items():
            new = name not in before or before[name] is not value
            if new and not name.startswith("_") and not isinstance(value, _NO_DATA):
                self._given[name] = value

    def look(self) -> None:
        """A student's cell or a test is about to run."""
        self._looks = {name: looks(value) for name, value in self._given.items()}

    def changed(self, namespace: Mapping[str, Any]) -> list[str]:
        """It has run: names whose value is the same object, and holds something else."""
        kept = [name for name, value in self._given.items() if namespace.get(name) is value]
        return sorted(n for n in kept if looks(self._given[n]) != self._looks.get(n))


def looks(value: Any) -> str:
    """A digest of the data that a value holds, parts that are no data passed over; "" for none."""
    digest = hashlib.sha256()
    try:
        for part in _parts(value, set(), 0):
            digest.update(part)
            digest.update(b"\0")
    except Exception:  # of a library's object, which may refuse anything it is asked
        return ""
    return digest.hexdigest()


def _parts(value: Any, above: set[int], depth: int) -> Iterator[bytes]:
    """What a value holds, piece by piece; `above` are the objects that it lies in."""
    kind = type(value)
    yield kind.__qualname__.encode()
    if isinstance(value, _ATOMS):
        yield repr(value).encode(errors="replace")
    elif isinstance(value, (*_NO_DATA, functools.partial)) or id(value) in above or depth > _DEPTH:
        return
    elif isinstance(value, set | frozenset):
        yield "".join(sorted(map(looks, value))).encode()
    else:
        above = above | {id(value)}
        for part in _inside(value):
            if isinstance(part, bytes):
                yield part
            else:
                yield from _parts(part, above, depth + 1)


def _inside(value: Any) -> Iterator[Any]:
    """Objects in a container, a table or an object with attributes; bytes stand for themselves."""
    if isinstance(value, dict):
        yield from (part for pair in value.items() for part in pair)
    elif isinstance(value, list | tuple | deque):
        yield from value
    elif hasattr(value, "detach") and hasattr(value, "cpu"):  # a tensor
        yield value.detach().cpu().numpy()
    elif hasattr(value, "dtype") and hasattr(value, "tobytes"):  # an array or a number of NumPy
        yield f"{value.dtype} {value.shape}".encode()
        yield value.tolist() if value.dtype.hasobject else value.tobytes()
    elif hasattr(value, "to_csv"):  # a table of pandas
        yield value.to_csv().encode(errors="replace")
    elif hasattr(value, "state_dict"):
        yield dict(value.state_dict())
    elif type(value).__module__ in ("__main__", "types") and hasattr(value, "__dict__"):
        # of the notebook's own classes; what libraries keep in theirs may be a cache or a count
        for name, part in list(vars(value).items()):
            yield name
            yield part
