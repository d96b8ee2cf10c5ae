"""The generators that libraries share: whether a test has seeded one, or drawn from it, since.

This is asked with every message between the kernels, and reading a generator's state costs more
than the message. So what cannot have changed is not read.
"""

from __future__ import annotations

import ctypes
import random
import sys
import types
from typing import Any

from .generators import same_state
from .telling import Generators

_SEEDS = (
    ("random", "random", "seed"),
    ("numpy", "numpy.random", "seed"),
    ("torch", "torch", "manual_seed"),
)
_MT19937 = 625 * 4  # bytes of numpy's struct: 624 words and a position


class GlobalGenerators:
    """Those of random, numpy.random and torch, in the test kernel.

    Args:
        names: of the notebook; Python's own generator is looked at where they lead to it.
        telling: says which state goes over.
    """

    def __init__(self, names: dict[str, Any], telling: Generators) -> None:
        self._names = names
        self._telling = telling
        self._known: dict[str, Any] = {"random": random.getstate()}
        self._seeded: set[str] = set()
        self._random_in_use = False
        self._numpy_words = b""
        self._torch_bytes = b""

    def begin(self) -> None:
        """A cell begins: notice generators that it seeds with the seed that they had."""
        self._random_in_use = any(map(_leads_to_random, dict.values(self._names)))
        for library, module, name in _SEEDS:
            original = getattr(sys.modules.get(module), name, None)
            if original is None or hasattr(original, "_watched"):
                continue

            def seed(
                *arguments: Any, _library: str = library, _original: Any = original, **options: Any
            ) -> Any:
                self._seeded.add(_library)
                return _original(*arguments, **options)

            seed._watched = True  # type: ignore[attr-defined]  # a mark of ours
            setattr(sys.modules[module], name, seed)

    def moved(self) -> list[tuple[str, Any]]:
        """States to send of those that were seeded or drawn from since this was last asked."""
        moved = []
        for library, state in self._read():
            known = self._known.get(library)
            seeded = library in self._seeded
            if seeded or known is None or not same_state(known, state):
                if known is not None or seeded:
                    moved.append((library, self._telling.told(_generator(library), state)))
                self._known[library] = state
        self._seeded.clear()
        return moved

    def settle(self) -> None:
        """A cell that both kernels run has ended: each has its own states by that."""
        self._known.update(self._read())
        self._seeded.clear()

    def _read(self) -> Any:
        if self._random_in_use or "random" in self._seeded:
            yield "random", random.getstate()
        numpy = sys.modules.get("numpy")
        if numpy is not None and hasattr(numpy, "random") and self._numpy_may_have_moved(numpy):
            yield "numpy", numpy.random.get_state(legacy=False)
        torch = sys.modules.get("torch")
        if torch is not None and hasattr(torch, "get_rng_state"):
            state = torch.get_rng_state().numpy()
            before, self._torch_bytes = self._torch_bytes, state.tobytes()
            if before != self._torch_bytes or "torch" in self._seeded:
                yield "torch", state

    def _numpy_may_have_moved(self, numpy: Any) -> bool:
        """Whether it was seeded, its words have changed, or it keeps a normal draw for later.

        Such a draw is taken without a change of the words.
        """
        bits = numpy.random.get_bit_generator()
        if type(bits).__name__ != "MT19937":
            return True
        before = self._numpy_words
        self._numpy_words = ctypes.string_at(bits.ctypes.state_address, _MT19937)
        known = self._known.get("numpy")
        kept = known is None or known.get("has_gauss", 1)
        return bool(kept or before != self._numpy_words or "numpy" in self._seeded)


def _generator(library: str) -> Any:
    """The generator that a library's functions share."""
    if library == "random":
        return random._inst
    if library == "numpy":
        return sys.modules["numpy"].random.mtrand._rand
    return sys.modules["torch"].default_generator


def _leads_to_random(value: Any) -> bool:
    if type(value) in (types.MethodType, types.BuiltinMethodType):
        value = value.__self__
    return value is random or value is random._inst
