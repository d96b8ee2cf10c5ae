"""Random generators of Python, NumPy and PyTorch: their kinds and states."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any


def state_reader(value: Any) -> Callable[[], Any] | None:
    """How to read the state of a random generator; None for what is none."""
    if type(value) is random.Random:
        return lambda: value.getstate()
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "random"):
        if type(value) is numpy.random.Generator:
            return lambda: value.bit_generator.state
        if type(value) is numpy.random.RandomState:
            return lambda: value.get_state(legacy=False)
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "Generator") and type(value) is torch.Generator:
        return lambda: value.get_state().numpy()
    return None


def kind_of(value: Any) -> str:
    """What kind of generator `new` must make for the other side."""
    if type(value).__name__ == "Generator" and hasattr(value, "bit_generator"):
        return "numpy:" + str(type(value.bit_generator).__name__)
    if type(value).__name__ == "Generator":
        return f"torch:{value.device}"
    return type(value).__name__


def new(kind: str) -> Any:
    """A generator of a kind."""
    if kind == "Random":
        return random.Random()  # noqa: S311 -- a copy of the instructor's generator
    if kind == "RandomState":
        return __import__("numpy").random.RandomState()
    library, _, name = kind.partition(":")
    if library == "torch":
        return __import__("torch").Generator(name)
    module = __import__("numpy").random
    return module.Generator(getattr(module, name)())


def restore(value: Any, state: Any) -> None:
    """Set the state of a generator."""
    if isinstance(value, random.Random):
        value.setstate((state[0], tuple(state[1]), state[2]))
    elif hasattr(value, "bit_generator"):
        value.bit_generator.state = state
    elif type(value).__name__ == "RandomState":
        value.set_state(state)
    else:
        value.set_state(__import__("torch").from_numpy(state.copy()))


def same_state(a: Any, b: Any) -> bool:
    """Whether two states of a random generator are equal."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same_state(a[key], b[key]) for key in a)
    if hasattr(a, "tobytes"):
        return bool(a.tobytes() == b.tobytes())
    return bool(a == b)
