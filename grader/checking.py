"""Strict checks, for tests that score somebody's work.

Each returns None when all is well and otherwise raises `CheckFailure` with one sentence: what
failed, at which index, which shape was expected and which was given. No sentence holds a value
of either side. Types count exactly: a subclass may lie about itself, so it is not accepted.
Only NumPy is needed; PyTorch tensors are compared where PyTorch has been imported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

KINDS = {"b": "boolean", "i": "integer", "f": "floating-point", "c": "complex"}
_NUMPY_NUMBERS = [t for t in np.sctypeDict.values() if issubclass(t, np.number | np.bool_)]
NUMBERS: tuple[type, ...] = (bool, int, float, complex, *_NUMPY_NUMBERS)


class CheckFailure(AssertionError):
    """An answer is not what its task asks for."""


def assert_close(
    got: Any, expected: Any, *, name: str, rtol: float = 1e-7, atol: float = 1e-9
) -> None:
    """Check that `got` has the type, shape, dtype kind and values of `expected`.

    Floating-point entries may differ by atol + rtol * |expected|; all others must be equal. NaN
    never passes, an infinity only where the same one is expected. A list, tuple or dict is
    compared item by item. A number may be an integer where a float is expected, an array may not.
    Raises ValueError where an expected array is empty or has a NaN, TypeError for other types.
    """
    if _is_one_of(expected, list, tuple, dict):
        if type(got) is not type(expected):
            raise CheckFailure(f"{name}: expected {_describe(expected)}, got {_describe(got)}.")
        keys = list(expected) if type(expected) is dict else range(len(expected))
        if len(got) != len(keys) or (type(got) is dict and set(got) != set(keys)):
            raise CheckFailure(f"{name}: expected {len(keys)} items, got {len(got)} or other keys.")
        for key in keys:
            item = f"{name}, item {key!r}"
            assert_close(got[key], expected[key], name=item, rtol=rtol, atol=atol)
        return
    if _is_one_of(expected, str, type(None)):
        assert_that(type(got) is type(expected) and got == expected, name=f"{name} is as expected")
        return
    if not _family(expected):
        raise TypeError(f"{name}: cannot compare with {_describe(expected)}.")
    if _family(got) != _family(expected):
        raise CheckFailure(f"{name}: expected {_describe(expected)}, got {_describe(got)}.")
    want, have = _to_array(expected), _to_array(got)
    assert_shape(got, want.shape, name=name)
    may_be_integer = _kind(want) == "f" and _is_one_of(got, *NUMBERS) and _kind(have) == "i"
    assert_dtype_kind(got, "i" if may_be_integer else _kind(want), name=name)
    if want.size == 0 or np.isnan(want).any():
        raise ValueError(f"{name}: the expected value is empty or has a NaN.")
    right = have == want
    if _kind(want) in "fc":
        with np.errstate(all="ignore"):
            near = np.abs(have - want) <= atol + rtol * np.abs(want)
        right = right | (near & np.isfinite(have) & np.isfinite(want))
    if not right.all():
        index = tuple(int(i) for i in np.argwhere(~right)[0])
        fault = "wrong value" if np.isfinite(have[index]) else "not a finite number"
        where = f" at index {index} of shape {want.shape}" if index else ""
        raise CheckFailure(f"{name}: {fault}{where}.")


def assert_shape(got: Any, shape: tuple[int, ...], *, name: str) -> None:
    """Check that `got` is a NumPy array, a tensor or a number, of exactly this shape."""
    if not _family(got) or _to_array(got).shape != tuple(shape):
        raise CheckFailure(f"{name}: expected shape {tuple(shape)}, got {_describe(got)}.")


def assert_dtype_kind(got: Any, kind: str, *, name: str) -> None:
    """Check the kind of the entries of `got`: "b" (boolean), "i" (integer), "f" or "c"."""
    given = _kind(_to_array(got)) if _family(got) else ""
    if given != kind:
        found = f"{KINDS.get(given, 'other')} ones" if given else _describe(got)
        raise CheckFailure(f"{name}: expected {KINDS[kind]} entries, got {found}.")


def assert_that(condition: Any, *, name: str) -> None:
    """Check that `condition` is True itself (or NumPy's), not merely something true-like."""
    if not (_is_one_of(condition, bool, np.bool_) and condition):
        raise CheckFailure(f"This does not hold: {name}.")


def assert_unchanged(fn: Callable[..., Any], *args: Any, name: str) -> Any:
    """Return fn(*args), after checking that no array, tensor or container in args was changed."""
    before = [_frozen(arg) for arg in args]
    result = fn(*args)
    for position, (arg, frozen) in enumerate(zip(args, before, strict=True), start=1):
        if _frozen(arg) != frozen:
            raise CheckFailure(f"{name}: the call changed its argument number {position} in place.")
    return result


def assert_raises(
    exception: type[Exception], fn: Callable[..., Any], *args: Any, name: str
) -> None:
    """Check that fn(*args) raises `exception` or a subclass of it."""
    try:
        fn(*args)
    except Exception as error:
        if not issubclass(type(error), exception):
            other = type(error).__name__
            raise CheckFailure(f"{name}: expected {exception.__name__}, got {other}.") from None
    else:
        raise CheckFailure(f"{name}: expected {exception.__name__}, but nothing was raised.")


def _is_one_of(value: Any, *types: type) -> bool:
    # not isinstance, nor `in`: a class can answer both as it likes
    return any(type(value) is each for each in types)


def _family(value: Any) -> str:
    torch = sys.modules.get("torch")
    if torch is not None and _is_one_of(value, torch.Tensor, torch.nn.Parameter):
        return "a tensor" if value.layout is torch.strided else ""
    if _is_one_of(value, np.ndarray):
        return "a NumPy array"
    return "a number" if _is_one_of(value, *NUMBERS) else ""


def _describe(value: Any) -> str:
    family = _family(value) or f"a value of type {type(value).__name__}"
    is_array = family in ("a NumPy array", "a tensor")
    return f"{family} of shape {_to_array(value).shape}" if is_array else family


def _to_array(value: Any) -> Any:
    if _family(value) != "a tensor":
        return np.asarray(value)
    value = value.detach().cpu().resolve_conj().resolve_neg()
    wide = value.double() if value.is_floating_point() else value  # NumPy has no bfloat16
    return np.asarray(wide.numpy())


def _kind(array: Any) -> str:
    return str(array.dtype.kind).replace("u", "i")  # unsigned integers are integers


def _frozen(value: Any) -> Any:
    if _is_one_of(value, list, tuple):
        return [_frozen(item) for item in value]
    if _is_one_of(value, dict):
        return [(key, _frozen(item)) for key, item in value.items()]
    array = _to_array(value) if _family(value) else np.empty(0)  # anything else is not looked into
    return array.shape, array.dtype.str, array.tobytes()
