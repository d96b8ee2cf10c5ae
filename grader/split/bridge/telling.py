"""What the test kernel says of its own objects: no expected value, bound value or private field."""

from __future__ import annotations

import dataclasses
import dis
import hashlib
import re
import types
from typing import Any

from . import generators
from .lending import fingerprint
from .values import CannotCross

_RAISES = frozenset({dis.opmap["RAISE_VARARGS"]})
WORDS = "The words of a test's function stay in the test kernel ({})."
"""What stands for a docstring; a function that took it over has it back in the test kernel."""


def wrote_it(error: BaseException, names: dict[str, Any]) -> bool:
    """Whether a `raise` or `assert` of the notebook's own made this exception.

    What Python or a library says of itself quotes the values that it was given.

    Args:
        error: which has been caught.
        names: the notebook's.
    """
    trace = error.__traceback__
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code.co_code
    return (
        trace.tb_frame.f_globals is names
        and 0 <= trace.tb_lasti < len(code)
        and code[trace.tb_lasti] in _RAISES
    )


def arguments_of(error: BaseException, names: dict[str, Any]) -> tuple[Any, ...]:
    """What a student's code may know of an exception that a test's function ended with."""
    if isinstance(error, AssertionError) or not wrote_it(error, names):
        return ()
    return error.args[:8]


def text_of(value: Any) -> str | None:
    """A fixed text for `repr` of a test's object; None where its own class says what it shows."""
    kind = type(value)
    own = kind.__repr__
    if getattr(kind, "__dataclass_params__", None) is not None and hasattr(own, "__wrapped__"):
        hidden = any(f.repr and f.name.startswith("_") for f in dataclasses.fields(value))
        plain = all(
            fingerprint(getattr(value, f.name, None)) is not None
            for f in dataclasses.fields(value)
            if f.repr
        )
        return None if plain and not hidden else f"<{kind.__name__} of the test>"
    if isinstance(own, types.FunctionType) and own.__module__ == "__main__":
        return None
    return f"<{kind.__name__} of the test>"


class Generators:
    """What is told of random generators: a seed that nothing was drawn from, or one of its own.

    A generator that stands as its seed has left it goes over as it is, since a test that seeds
    right before a call wants that very stream. Once the test has drawn, what went before and what
    is to come cannot be computed from what goes over: the other side gets a generator whose seed
    is a hash of the state and of the test's own text, which no student has.
    """

    def __init__(self) -> None:
        self.key = b""

    def told(self, value: Any, state: Any) -> Any:
        """The state that goes over for a generator in this state."""
        if generators.is_fresh(value, state):
            return state
        digest = hashlib.sha256(self.key + generators.as_bytes(state)).digest()
        return generators.seeded(generators.kind_of(value), digest)


_SAFE = re.compile(
    # what Python says of names and types, and of no value
    r"name '\w+' is not defined.*"
    r"|'[\w.]+' object has no attribute '\w+'.*"
    r"|module '[\w.]+' has no attribute '\w+'.*"
    r"|'[\w.]+' object (is not|does not|cannot) [\w ]+"
    r"|object of type '[\w.]+' has no len\(\)"
    r"|cannot unpack non-iterable [\w.]+ object"
    r"|unsupported operand type\(s\) for [^:]{1,20}: '[\w.]+' and '[\w.]+'"
    r"|'[<>=]+' not supported between instances of '[\w.]+' and '[\w.]+'"
    r"|bad operand type for [^:]{1,20}: '[\w.]+'"
    r"|(list|tuple|string|range object|deque|pop from empty list)( \w+)? ?(index)? ?(out of range)?"
    r"|(too many|not enough) values to unpack \(expected \d+(, got \d+)?\)"
    r"|(float |integer |complex )?division( or modulo)? by zero|maximum recursion depth exceeded.*"
    r"|The truth value of an? .{0,60} is ambiguous\..*"
    r"|DID NOT RAISE .*|\w+ not raised( by \w+)?|Regex pattern did not match\.?"
    r"|operands could not be broadcast together with shapes .*"
)
_CHECKERS = ("numpy.testing", "pandas._testing", "pandas.testing", "torch.testing")
_FIRST_LINES = re.compile(
    r"(Tensor-likes|Scalars|Arrays|Items|Objects|Strings|Classes) are not (close!?|(almost )?equal"
    r"( to \d+ (decimals|significant digits))?|strictly ordered .{0,20}):?"
    r"|The values for attribute '\w+' do not match.*|Not equal to tolerance .*"
    r"|[xy] and [xy] nan location mismatch.*|(DataFrame|Series|\w*Index)[\w .]* are different"
)
"""What such a checker says of the kind of a difference; its other words are the values."""


def quotable(error: BaseException | None, names: dict[str, Any]) -> bool:
    """Whether a student may read the first line of what ended a test.

    That is what the test's own `assert` or `raise` says, what the student's code raised, and
    sentences of ours. What Python and libraries say of themselves may quote an expected value:
    of those only sentences about names, types and shapes are shown.
    """
    if error is None or isinstance(error, CannotCross) or "_origin" in vars(error):
        return True
    if wrote_it(error, names):
        return True
    first = next((line for line in map(str.strip, str(error).splitlines()) if line), "")
    checked = isinstance(error, AssertionError) and _raised_in(error).startswith(_CHECKERS)
    known = _FIRST_LINES if checked else _SAFE
    return not first or known.fullmatch(first) is not None


def _raised_in(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else str(trace.tb_frame.f_globals.get("__name__", ""))
