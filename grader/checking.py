"""Strict checks, for tests that score somebody's work.

Each returns when all is well and otherwise raises `CheckFailure` with one sentence: what failed, at
which index, which shape was expected and which was given. No sentence holds a value of either side.
Types count exactly: a subclass may lie about itself, so it is not accepted.
Only NumPy is needed; PyTorch tensors are compared where PyTorch has been imported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

KINDS = {"b": "boolean", "i": "integer", "f": "floating-point", "c": "complex"}
_NUMPY_NUMBERS = [t for t in np.sctypeDict.values() if issubclass(t, np.number | np.bool_)]
NUMBERS: tuple[type, ...] = (bool, int, float, complex, *_NUMPY_NUMBERS)
TOLERANCES = {
    "float64": (1e-7, 1e-9),
    "float32": (1e-5, 1e-6),
    "float16": (1e-2, 1e-3),
    "bfloat16": (5e-2, 1e-2),
}
"""Relative and absolute tolerance by dtype, from fine to coarse; of two the coarser one holds."""


class CheckFailure(AssertionError):
    """An answer is not what its task asks for."""


class CallFailure(CheckFailure):
    """The code that is checked raised an exception where it should have gone through."""


@contextmanager
def checking(name: str) -> Iterator[None]:
    """Say of every exception in the block that it came while `name` was checked."""
    try:
        yield
    except Exception as error:
        kind = type(error)
        if issubclass(kind, CheckFailure) or "grader" in kind.__module__:
            raise
        words = " ".join(str(error).split()).rstrip(".")
        told = f"{kind.__name__}: {words}" if words else kind.__name__
        raise CallFailure(f"{name}: this raised {told}.") from error


def assert_close(
    got: Any, expected: Any, *, name: str, rtol: float | None = None, atol: float | None = None
) -> None:
    """Check that `got` has the type, shape, dtype kind and values of `expected`.

    Floating-point entries may differ by atol + rtol * |expected|, by default those of `TOLERANCES`;
    all others must be equal. NaN never passes, an infinity only where the same one is expected. A
    list, tuple or dict is compared item by item. A number may be an integer where a float is
    expected, an array may not.
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
        usual = max(TOLERANCES[_precision(got)], TOLERANCES[_precision(expected)])
        rtol, atol = usual[0] if rtol is None else rtol, usual[1] if atol is None else atol
        with np.errstate(all="ignore"):
            near = np.abs(have - want) <= atol + rtol * np.abs(want)
        right = right | (near & np.isfinite(have) & np.isfinite(want))
    if not right.all():
        raise CheckFailure(f"{name}: {_fault(have, want, right)}.")


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


def assert_unchanged(
    fn: Callable[..., Any],
    *args: Any,
    name: str,
    fresh: bool = True,
    settings: bool = True,
    twice: bool = False,
    **options: Any,
) -> Any:
    """Return fn(*args, **options), after checking that the call changed nothing else.

    No array, tensor or container among the arguments is changed. With `fresh` the result is none
    of them and shares no memory with one. With `settings` the global random generators are neither
    seeded nor drawn from, and the switches of NumPy and PyTorch stand as before. With `twice` a
    second call gives an equal result in memory of its own.
    """
    given = (*args, *options.values())
    before = [_frozen(arg) for arg in given]
    with checking(_called(fn, name)):
        result, again, shared, moved = _beside(_call_watched, fn, args, options, twice)
    for position, (arg, frozen) in enumerate(zip(given, before, strict=True), start=1):
        if _frozen(arg) != frozen:
            raise CheckFailure(f"{name}: the call changed its argument number {position} in place.")
    for position, arg in enumerate(given, start=1):
        if fresh and (position in shared or _overlap(result, arg)):
            raise CheckFailure(
                f"{name}: the result is, or shares memory with, argument number {position}; it "
                "must be a new value."
            )
    if settings and moved:
        raise CheckFailure(f"{name}: the call changed {_SETTINGS[moved[0]]}.")
    if twice and (0 in shared or _overlap(result, again)):
        raise CheckFailure(f"{name}: two calls hand out the same memory; each must make its own.")
    if twice:
        assert_close(again, result, name=f"{name}, called again with the same arguments")
    return result


def assert_gradients(
    fn: Callable[..., Any], *args: Any, name: str, reference: Callable[..., Any] | None = None
) -> None:
    """Check the gradients of fn(*args), a tensor, for all tensors in args that require one.

    They are compared with those of `reference`, or else along two directions with central
    differences in float64.
    """
    torch = sys.modules["torch"]
    exact = [_leaf(arg, torch.float64) for arg in args]
    got = _gradients(fn, [_leaf(arg) for arg in args], name)
    if reference is not None:
        expected = _gradients(reference, exact, "the reference")
    for at in got:
        where = f"{name}, gradient for argument number {at + 1}"
        if reference is not None:
            assert_close(got[at], expected[at].to(got[at].dtype), name=where)
            continue
        rtol, atol = max(TOLERANCES[_precision(got[at])], (1e-6, 1e-8))
        for turn in (1, 2):
            way = _direction(exact[at], turn)
            step = 1e-5 * max(1.0, float(exact[at].detach().abs().max()))
            sides = []
            for sign in (step, -step):
                moved = [arg + sign * way if at == i else arg for i, arg in enumerate(exact)]
                with torch.no_grad(), checking(_called(fn, name)):
                    sides.append(_weighted(fn(*moved)))
            slope = (sides[0] - sides[1]) / (2 * step)
            scale = float((got[at].double() * way).abs().sum())
            along = (got[at].double() * way).sum()
            assert_close(along, slope, name=where, rtol=rtol, atol=atol + rtol * scale)


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


def _precision(value: Any) -> str:
    dtype = value.dtype if _family(value) == "a tensor" else np.asarray(value).dtype
    name = str(dtype).removeprefix("torch.").replace("complex64", "float32")
    return name if name in TOLERANCES else "float64"


def _fault(have: Any, want: Any, right: Any) -> str:
    """What is wrong where it is worst: no number, another one, or one that agrees in part."""
    with np.errstate(all="ignore"):
        off = np.abs(np.subtract(have, want, dtype=complex)) / np.abs(want)
    off = np.where(right, -1.0, np.where(np.isfinite(have) & np.isfinite(off), off, np.inf))
    index = np.unravel_index(int(np.argmax(off)), want.shape)
    where = f" at index {tuple(int(i) for i in index)} of shape {want.shape}" if index else ""
    if not np.isfinite(have[index]):
        return f"not a finite number{where}"
    digits = int(-np.log10(off[index])) if 0 < off[index] < 1 and _kind(want) in "fc" else 0
    return f"it agrees to {digits} digits only{where}" if digits > 1 else f"wrong value{where}"


def _frozen(value: Any) -> Any:
    if _is_one_of(value, list, tuple):
        return [_frozen(item) for item in value]
    if _is_one_of(value, dict):
        return [(key, _frozen(item)) for key, item in value.items()]
    array = _to_array(value) if _family(value) else np.empty(0)  # anything else is not looked into
    return array.shape, array.dtype.str, array.tobytes()


def _called(fn: Any, name: str) -> str:
    own = getattr(fn, "__name__", "")
    own = own if type(own) is str and own.isidentifier() else ""
    return name if own in name else f"{name} ({own})"


def _beside(helper: Callable[..., Any], fn: Any, *rest: Any) -> Any:
    """helper(fn, *rest), where fn is: a grader keeps a student's functions in another process."""
    there = getattr(fn, "__beside__", None)
    return helper(fn, *rest) if there is None else there(helper.__name__, *rest)


def _call_watched(fn: Any, args: Any, options: Any, twice: bool) -> tuple[Any, ...]:
    """The result, a second one, which arguments (0: that one) it shares memory with, and more."""
    before = _settings()
    result = fn(*args, **options)
    after = _settings()
    again = fn(*args, **options) if twice else None
    others = (again, *args, *options.values())
    shared = [at for at, other in enumerate(others) if _overlap(result, other)]
    return result, again, shared, [what for what in before if before[what] != after[what]]


_SETTINGS = {
    "python": "Python's global random generator",
    "numpy": "NumPy's global random generator",
    "torch": "PyTorch's global random generator",
    "errors": "how NumPy takes floating-point errors",
    "gradients": "whether PyTorch records gradients",
    "dtype": "PyTorch's default dtype",
}


def _settings() -> dict[str, Any]:
    random, torch = sys.modules.get("random"), sys.modules.get("torch")
    name, words, *rest = np.random.get_state()
    found: dict[str, Any] = {"numpy": (name, np.asarray(words).tobytes(), rest)}
    found["errors"] = np.geterr()
    if random is not None:
        found["python"] = random.getstate()
    if torch is not None:
        found["torch"] = torch.get_rng_state().numpy().tobytes()
        found["gradients"], found["dtype"] = torch.is_grad_enabled(), torch.get_default_dtype()
    return found


def _overlap(one: Any, other: Any) -> bool:
    """Whether two values have a list, dict, set or a piece of an array's memory in common."""
    mine, theirs = list(_places(one)), list(_places(other))
    return any(a < d and c < b for a, b in mine for c, d in theirs)


def _places(value: Any) -> Iterator[tuple[int, int]]:
    """The memory, from and to, of all arrays and tensors in a value, and of its containers."""
    if _is_one_of(value, list, tuple, dict, set):
        if not _is_one_of(value, tuple):
            yield id(value), id(value) + 1
        for item in value.values() if _is_one_of(value, dict) else value:
            yield from _places(item)
    elif _family(value) == "a tensor":
        memory = value.untyped_storage()
        yield memory.data_ptr(), memory.data_ptr() + memory.nbytes()
    elif _family(value) == "a NumPy array":
        while _is_one_of(value.base, np.ndarray):
            value = value.base
        yield value.ctypes.data, value.ctypes.data + value.nbytes


def _leaf(value: Any, dtype: Any = None) -> Any:
    if _family(value) != "a tensor":
        return value
    copy = value.detach().clone()
    copy = copy.to(dtype) if dtype is not None and copy.is_floating_point() else copy
    return copy.requires_grad_(value.requires_grad)


def _direction(like: Any, turn: int) -> Any:
    torch = sys.modules["torch"]
    steps = torch.arange(1, like.numel() + 1, dtype=torch.float64, device=like.device)
    return torch.cos(turn * steps).reshape(like.shape)  # no two entries count alike


def _weighted(result: Any) -> Any:
    return (result * _direction(result, 3).to(result.dtype)).sum()


def _gradients(fn: Callable[..., Any], args: list[Any], name: str) -> dict[int, Any]:
    """The gradients of all entries of the result together, by the places of their arguments."""
    torch = sys.modules["torch"]
    at = [i for i, arg in enumerate(args) if _family(arg) == "a tensor" and arg.requires_grad]
    if not at:
        raise ValueError(f"{name}: no argument requires a gradient.")
    with checking(_called(fn, name)):
        result = fn(*args)
    if _family(result) != "a tensor" or not result.requires_grad:
        raise CheckFailure(f"{name}: no gradient can flow from the result to the arguments.")
    with checking(_called(fn, f"{name}, gradients")):
        found = torch.autograd.grad(_weighted(result), [args[i] for i in at], allow_unused=True)
    for i, gradient in zip(at, found, strict=True):
        if gradient is None:
            raise CheckFailure(f"{name}: no gradient reaches argument number {i + 1}.")
    return dict(zip(at, found, strict=True))
