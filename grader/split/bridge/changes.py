"""What became of an argument: whether it was changed in place, and doing the same to another."""

from __future__ import annotations

import collections
import dataclasses
import sys
from collections.abc import Callable
from typing import Any

from .values import CannotCross


def become(value: Any, new: Any) -> None:
    """Make `value` equal to `new`, which is of its kind."""
    if isinstance(value, list | bytearray):
        value[:] = new
    elif isinstance(value, dict | set):
        value.clear()
        value.update(new)
    elif isinstance(value, collections.deque):
        value.clear()
        value.extend(new)
    elif type(value).__module__.startswith("pandas."):
        value._update_inplace(new)
    elif value.flags.writeable:
        if value.shape != new.shape or value.dtype != new.dtype:
            raise CannotCross("an array argument changed its shape or dtype in place")
        value[...] = new


def photograph(value: Any, raw: bytearray | None) -> Callable[[Any], bool] | None:
    """A function that says whether an object is still as it is now; None where it cannot change."""
    if isinstance(value, list | collections.deque):
        items = list(value)
        return lambda now: len(now) == len(items) and all(map(_is, now, items))
    if isinstance(value, dict):
        pairs = list(value.items())
        return lambda now: (
            len(now) == len(pairs)
            and all(a is c and b is d for (a, b), (c, d) in zip(now.items(), pairs, strict=True))
        )
    if isinstance(value, set):
        members = set(value)
        return lambda now: bool(now == members)
    if isinstance(value, bytearray):
        copy = bytes(value)
        return lambda now: bool(now == copy)
    if raw is not None:
        if not value.flags.writeable:
            return None
        return lambda now: now.tobytes("A" if now.flags.fnc else "C") == raw
    if is_tensor(value):
        state = (value._version, value.grad)
        copy = value.detach().cpu().clone()
        torch = sys.modules["torch"]
        return lambda now: (
            now.grad is state[1]
            and now.shape == copy.shape
            and now.dtype == copy.dtype
            and bool(torch.equal(_bits(now), _bits(copy)))
        )
    if type(value).__module__.startswith("pandas."):
        frame = value.copy()
        return lambda now: (
            bool(now.equals(frame))
            and list(getattr(now, "columns", ())) == list(getattr(frame, "columns", ()))
        )
    numpy = sys.modules.get("numpy")
    if numpy is not None and type(value) is numpy.ndarray:
        entries = list(value.ravel())
        return lambda now: all(map(_is, now.ravel().tolist(), entries))
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        fields = [getattr(value, name) for name in names]
        return lambda now: all(
            getattr(now, name, None) is item for name, item in zip(names, fields, strict=True)
        )
    return None


def _bits(tensor: Any) -> Any:
    torch = sys.modules["torch"]
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8) if flat.numel() else flat


def _is(a: Any, b: Any) -> bool:
    return a is b


def is_tensor(value: Any) -> bool:
    """Whether it is one of PyTorch's."""
    torch = sys.modules.get("torch")
    return torch is not None and hasattr(torch, "Tensor") and isinstance(value, torch.Tensor)
