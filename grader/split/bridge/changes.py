"""What became of an argument: whether it was changed in place, and doing the same to another."""

from __future__ import annotations

import collections
import dataclasses
import io
import operator
import sys
from collections.abc import Callable
from typing import Any

from .decoding import Decoder
from .values import SMALL_BUFFER, CannotCross, Encoder
from .wire import WireError

_SEQUENCES = (list, collections.deque)
STREAMS: dict[type, str] = {io.StringIO: "text", io.BytesIO: "bytes"}


def write_stream(value: Any, encoder: Encoder) -> Any:
    """The node of a stream in memory."""
    return ["O", STREAMS[type(value)], value.tell(), encoder.encode(value.getvalue())]


def read_stream(node: Any, decoder: Decoder) -> Any:
    """The inverse of `write_stream`; raises WireError for what it never writes."""
    if type(node) is not list or len(node) != 4 or node[0] != "O" or type(node[2]) is not int:
        raise WireError("a malformed stream")
    held = decoder.decode(node[3])
    if (node[1], type(held)) not in (("text", str), ("bytes", bytes)) or node[2] < 0:
        raise WireError("a malformed stream")
    stream: Any = io.StringIO(newline="") if node[1] == "text" else io.BytesIO()
    stream.write(held)
    stream.seek(min(node[2], len(held)))
    return stream


def become(value: Any, new: Any) -> None:
    """Make `value` equal to `new`, which is of its kind."""
    if isinstance(value, list | bytearray):
        value[:] = new
    elif type(value) in STREAMS:
        place = new.tell()
        value.seek(0)
        value.truncate()
        value.write(new.getvalue())
        value.seek(place)
    elif isinstance(value, dict | set):
        value.clear()
        value.update(new)
    elif isinstance(value, collections.deque):
        value.clear()
        value.extend(new)
    elif type(value).__module__.startswith("pandas."):
        value._update_inplace(new)
    elif type(value).__module__.startswith("scipy.sparse"):
        value.__dict__.update(new.__dict__)
    elif value.flags.writeable:
        if value.shape != new.shape or value.dtype != new.dtype:
            raise CannotCross("an array argument changed its shape or dtype in place")
        value[...] = new


def photograph(value: Any, raw: bytearray | None) -> Callable[[Any], bool] | None:
    """A function that says whether an object is still as it is now; None where it cannot change."""
    if raw is not None:
        if not value.flags.writeable:
            return None
        return lambda now: now.tobytes("A" if now.flags.fnc else "C") == raw
    if isinstance(value, _SEQUENCES):
        items = list(value)
        return lambda now: len(now) == len(items) and all(map(operator.is_, now, items))
    if isinstance(value, dict):
        pairs = list(value.items())
        return lambda now: (
            len(now) == len(pairs)
            and all(a is c and b is d for (a, b), (c, d) in zip(now.items(), pairs, strict=True))
        )
    if isinstance(value, set):
        members = set(value)
        return lambda now: bool(now == members)
    if type(value) in STREAMS:
        held = (value.getvalue(), value.tell())
        return lambda now: not now.closed and (now.getvalue(), now.tell()) == held
    if isinstance(value, bytearray):
        copy = bytes(value)
        return lambda now: bool(now == copy)
    if is_tensor(value):
        grad = value.grad if value.is_leaf else None
        shape, dtype, bits = value.shape, value.dtype, _bits(value)
        return lambda now: (
            (now.grad if now.is_leaf else None) is grad
            and now.shape == shape
            and now.dtype == dtype
            and _same_bits(_bits(now), bits)
        )
    if type(value).__module__.startswith("pandas."):
        frame = value.copy()
        return lambda now: (
            bool(now.equals(frame))
            and list(getattr(now, "columns", ())) == list(getattr(frame, "columns", ()))
        )
    if type(value).__module__.startswith("scipy.sparse"):
        matrix = value.copy()
        return lambda now: now.shape == matrix.shape and not (now != matrix).nnz
    numpy = sys.modules.get("numpy")
    if numpy is not None and type(value) is numpy.ndarray:
        entries = list(value.ravel())
        return lambda now: all(map(operator.is_, now.ravel().tolist(), entries))
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        fields = [getattr(value, name) for name in names]
        return lambda now: all(
            getattr(now, name, None) is item for name, item in zip(names, fields, strict=True)
        )
    return None


def _bits(tensor: Any) -> Any:
    """A copy of its memory: bytes of a small one, else a tensor."""
    torch = sys.modules["torch"]
    if tensor.is_cpu and tensor.dtype is not torch.bfloat16 and tensor.nbytes <= SMALL_BUFFER:
        return tensor.numpy(force=True).tobytes()
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format).view(-1)


def _same_bits(now: Any, before: Any) -> bool:
    if isinstance(now, bytes) or isinstance(before, bytes):
        return bool(now == before)
    torch = sys.modules["torch"]
    return bool(torch.equal(now.view(torch.uint8), before.view(torch.uint8)))


def is_tensor(value: Any) -> bool:
    """Whether it is one of PyTorch's."""
    torch = sys.modules.get("torch")
    return torch is not None and hasattr(torch, "Tensor") and isinstance(value, torch.Tensor)
