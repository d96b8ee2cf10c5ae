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


def as_bytes(state: Any) -> bytes:
    """All that a state holds."""
    if isinstance(state, dict):
        return b"".join(key.encode() + as_bytes(state[key]) for key in sorted(state))
    if hasattr(state, "tobytes"):
        return bytes(state.tobytes())
    return repr(state).encode()


def is_fresh(value: Any, state: Any) -> bool:
    """Whether nothing has been drawn from a generator since it was seeded."""
    name = type(value).__name__
    if isinstance(value, random.Random):
        *words, place = state[1]
        return state[2] is None and _seeded_words(words, place)
    if name == "RandomState":
        inside = state.get("state", {})
        plain = state.get("bit_generator") == "MT19937" and not state.get("has_gauss")
        return bool(plain and _seeded_words(inside["key"], inside["pos"]))
    if hasattr(value, "bit_generator"):
        seed = getattr(value.bit_generator, "seed_seq", None)
        try:
            return same_state(type(value.bit_generator)(seed).state, state) if seed else False
        except (TypeError, ValueError):
            return False
    torch = sys.modules["torch"]
    try:
        new = torch.Generator(value.device).manual_seed(value.initial_seed())
    except RuntimeError:
        return False
    return bool(new.get_state().numpy().tobytes() == state.tobytes())


def _seeded_words(words: Any, place: int) -> bool:
    """Whether 624 words are those that a seed makes: after the first draws none of this holds."""
    first, second = int(words[0]), int(words[1])
    by_number = (1812433253 * (first ^ first >> 30) + 1) & 0xFFFFFFFF
    return place == 624 and (first == 0x80000000 or second == by_number)


def seeded(kind: str, seed: bytes) -> Any:
    """The state of a new generator of a kind that has this seed."""
    number = int.from_bytes(seed[:8], "little") >> 1
    if kind == "Random":
        return random.Random(seed).getstate()  # noqa: S311 -- for the other kernel's draws
    whole = int.from_bytes(seed, "little")
    if kind == "RandomState":
        return {**sys.modules["numpy"].random.MT19937(whole).state, "has_gauss": 0, "gauss": 0.0}
    made = new(kind)
    if kind.startswith("torch:"):
        return made.manual_seed(number).get_state().numpy()
    return type(made.bit_generator)(whole).state
