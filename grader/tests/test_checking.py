"""The strict checker: what it accepts, what it refuses, and what its sentences never tell."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import grader.checking
from grader.checking import (
    CallFailure,
    CheckFailure,
    assert_close,
    assert_dtype_kind,
    assert_gradients,
    assert_raises,
    assert_shape,
    assert_that,
    assert_unchanged,
    checking,
)


class AlwaysEqual(np.ndarray):
    def __eq__(self, other: object) -> bool:
        return True

    def __sub__(self, other: object) -> np.ndarray:
        return np.zeros(self.shape)

    __hash__ = None  # type: ignore[assignment]


class LyingFloat(float):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = float.__hash__


class Chameleon:
    """Claims to be an array in every way that can be asked politely."""

    shape = (3,)
    dtype = np.dtype(float)

    @property
    def __class__(self) -> type:
        return np.ndarray

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.ones(3)

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class EqualToAll(type):
    def __eq__(cls, other: object) -> bool:
        return True

    __hash__ = type.__hash__


class Impostor(metaclass=EqualToAll):
    """Its type compares equal to every other type."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.ones(3)


ones = np.ones(3)


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (ones.copy(), ones),
        (ones + 1e-10, ones),
        (np.float32([1, 2]), np.array([1.0, 2.0])),
        (1.0 + 1e-9, 1.0),
        (np.float64(2.0), 2.0),
        (2, 2.0),
        (np.int64(3), 3),
        (True, True),
        (np.array([1, 2], dtype=np.uint8), np.array([1, 2])),
        (np.array([True, False]), np.array([True, False])),
        (np.array([0.0, -np.inf]), np.array([0.0, -np.inf])),
        (np.array([1 + 1j]), np.array([1 + 1j])),
        (np.array(1.0), np.array(1.0)),
        ((ones, 3), (ones, 3)),
        ({"w": [1.0, 2.0]}, {"w": [1.0, 2.0]}),
        (["left", None], ["left", None]),
        ([], []),
        (torch.ones(2, 3), torch.ones(2, 3)),
        (torch.nn.Parameter(torch.ones(2)), torch.ones(2)),
        (torch.ones(2, dtype=torch.bfloat16), torch.ones(2)),
        (torch.ones(2, requires_grad=True).sum(), torch.tensor(2.0)),
    ],
)
def test_accepts(got: object, expected: object) -> None:
    assert_close(got, expected, name="answer")


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        pytest.param(ones + 1e-5, ones, id="off by more than the tolerance"),
        pytest.param(np.array([1.0, np.nan, 1.0]), ones, id="nan"),
        pytest.param(np.array([1.0, np.inf, 1.0]), ones, id="infinity"),
        pytest.param(np.array([np.inf]), np.array([-np.inf]), id="infinity of the other sign"),
        pytest.param(np.array([0.0]), np.array([-np.inf]), id="finite for infinite"),
        pytest.param(np.array([np.nan]), np.array([np.inf]), id="nan for infinite"),
        pytest.param(float("nan"), 1.0, id="nan scalar"),
        pytest.param(1.0, ones, id="scalar for array"),
        pytest.param(np.float64(1.0), ones, id="numpy scalar for array"),
        pytest.param(np.array(1.0), ones, id="array without axes for array"),
        pytest.param(np.array(1.0), 1.0, id="array without axes for scalar"),
        pytest.param(ones, 1.0, id="array for scalar"),
        pytest.param(np.ones((1, 3)), ones, id="row for vector"),
        pytest.param(np.ones((3, 1)), np.ones((1, 3)), id="column for row"),
        pytest.param(np.ones(0), ones, id="empty for array"),
        pytest.param(np.ones(0), np.array(1.0), id="empty for no axes"),
        pytest.param([1.0, 1.0, 1.0], ones, id="list for array"),
        pytest.param(np.ones(3, dtype=int), ones, id="integers for floats"),
        pytest.param(np.ones(3, dtype=bool), ones, id="booleans for floats"),
        pytest.param(np.ones(3, dtype=complex), ones, id="complex for floats"),
        pytest.param(np.ones(3, dtype=object), ones, id="objects for floats"),
        pytest.param(np.array(["1", "1", "1"]), ones, id="text for floats"),
        pytest.param(3.0, 3, id="float for integer"),
        pytest.param(True, 1, id="boolean for integer"),
        pytest.param(True, 1.0, id="boolean for float"),
        pytest.param(1, True, id="integer for boolean"),
        pytest.param(10**30, 3, id="integer too long for NumPy"),
        pytest.param(2**53 + 1, 2**53, id="integers that are one float"),
        pytest.param(None, 1.0, id="None for number"),
        pytest.param("1.0", 1.0, id="text for number"),
        pytest.param(0.0, None, id="number for None"),
        pytest.param("right", "left", id="other text"),
        pytest.param([ones, 3], (ones, 3), id="list for tuple"),
        pytest.param((ones,), (ones, 3), id="tuple too short"),
        pytest.param((ones, 3, 3), (ones, 3), id="tuple too long"),
        pytest.param((), (ones, 3), id="empty tuple"),
        pytest.param([0], [], id="item for empty list"),
        pytest.param((), [], id="empty tuple for empty list"),
        pytest.param({"v": 1.0}, {"w": 1.0}, id="other key"),
        pytest.param(ones, torch.ones(3), id="array for tensor"),
        pytest.param(torch.ones(3), ones, id="tensor for array"),
        pytest.param(torch.ones(3, dtype=torch.int64), torch.ones(3), id="integer tensor"),
        pytest.param(torch.ones(1), torch.tensor(1.0), id="vector for scalar tensor"),
        pytest.param(torch.tensor([float("nan")]), torch.ones(1), id="nan tensor"),
        pytest.param(torch.ones(3).to_sparse(), torch.ones(3), id="sparse tensor"),
        pytest.param(np.zeros(3).view(AlwaysEqual), ones, id="always equal"),
        pytest.param(np.ones(3).view(AlwaysEqual), ones, id="subclass with the right values"),
        pytest.param(np.ma.masked_all(3), ones, id="all masked"),
        pytest.param(LyingFloat(5.0), 1.0, id="lying float"),
        pytest.param(Chameleon(), ones, id="claims to be an array"),
        pytest.param(Impostor(), ones, id="type equal to every type"),
        pytest.param(Impostor(), None, id="type equal to every type, for None"),
        pytest.param(Impostor(), (1.0,), id="type equal to every type, for a tuple"),
    ],
)
def test_rejects(got: object, expected: object) -> None:
    with pytest.raises(CheckFailure):
        assert_close(got, expected, name="answer")


@pytest.mark.parametrize("expected", [np.ones(0), np.array([np.nan]), [np.ones(0)], float("nan")])
def test_an_expected_value_that_checks_nothing_is_the_fault_of_the_test(expected: object) -> None:
    with pytest.raises(ValueError, match="the expected value"):
        assert_close(expected, expected, name="answer")


@pytest.mark.parametrize("expected", [object(), {1.0}, np.zeros(3).view(AlwaysEqual), len])
def test_an_expected_value_of_another_type_is_the_fault_of_the_test(expected: object) -> None:
    with pytest.raises(TypeError, match="cannot compare"):
        assert_close(1.0, expected, name="answer")


def test_tolerances_are_relative_plus_absolute() -> None:
    assert_close(1000.9, 1000.0, name="answer", rtol=1e-3, atol=0)
    assert_close(0.9e-3, 0.0, name="answer", rtol=0, atol=1e-3)
    with pytest.raises(CheckFailure):
        assert_close(1001.1, 1000.0, name="answer", rtol=1e-3, atol=0)
    with pytest.raises(CheckFailure):
        assert_close(1.1e-3, 0.0, name="answer", rtol=1, atol=1e-3)


def test_tolerances_do_not_soften_integers() -> None:
    with pytest.raises(CheckFailure):
        assert_close(np.array([100]), np.array([101]), name="answer", atol=5)


@pytest.mark.parametrize(
    ("got", "expected", "off"),
    [
        pytest.param(np.float64(1), np.float64(1), 5e-8, id="float64"),
        pytest.param(np.float32(1), np.float64(1), 5e-6, id="float32 against float64"),
        pytest.param(np.float64(1), np.float32(1), 5e-6, id="float64 against float32"),
        pytest.param(1.0, np.float16(1), 5e-3, id="half"),
        pytest.param(torch.ones(2), torch.ones(2).double(), 5e-6, id="tensors"),
        pytest.param(torch.ones(2).bfloat16(), torch.ones(2).half(), 2e-2, id="bfloat16"),
        pytest.param(np.complex64(1), np.complex128(1), 5e-6, id="complex64"),
        pytest.param(np.longdouble(1), 1.0, 5e-8, id="long double"),
    ],
)
def test_the_usual_tolerance_is_that_of_the_coarser_dtype(
    got: Any, expected: Any, off: float
) -> None:
    assert_close(got, expected * (1 + off), name="answer")
    with pytest.raises(CheckFailure):
        assert_close(got, expected * (1 + 10 * off), name="answer")
    with pytest.raises(CheckFailure):
        assert_close(got, expected * (1 + off), name="answer", rtol=off / 100, atol=0)


@pytest.mark.parametrize("seed", range(20))
def test_what_single_precision_rounds_is_not_wrong(seed: int) -> None:
    x = np.random.default_rng(seed).uniform(0.1, 1.0, (50, 40))
    assert_close((x.astype(np.float32) @ x.T.astype(np.float32)), x @ x.T, name="product")
    assert_close(np.log(x.astype(np.float32)).sum(axis=1), np.log(x).sum(axis=1), name="sums")


def test_the_sentence_says_to_how_many_digits_it_agrees() -> None:
    def said(got: Any, expected: Any) -> str:
        with pytest.raises(CheckFailure) as failure:
            assert_close(got, expected, name="x")
        return str(failure.value)

    assert said(1 + 2e-6, 1.0) == "x: it agrees to 5 digits only."
    assert said(np.array([1.0, 2.0002]), np.array([1.0, 2.0])) == (
        "x: it agrees to 4 digits only at index (1,) of shape (2,)."
    )
    assert said(torch.ones(2) + 2e-3, torch.ones(2)).startswith("x: it agrees to 2 digits only at")
    nonsense = [(1.2, 1.0), (-1.0, 1.0), (1e9, 1.0), (1e-3, 0.0), (7, 8), (True, False)]
    assert {said(*pair) for pair in nonsense} == {"x: wrong value."}
    worst = said(np.array([1 + 1e-4, 5.0, np.nan]), np.ones(3))
    assert worst == "x: not a finite number at index (2,) of shape (3,)."
    assert (
        said(np.array([1 + 1e-4, 5.0]), np.ones(2)) == "x: wrong value at index (1,) of shape (2,)."
    )
    assert said(np.array([1.0, 2.0]), np.array([1.0, np.inf])).startswith("x: wrong value at")


def test_an_exception_says_what_was_checked() -> None:
    said = r"^rows: this raised ValueError: a b\.$"
    with pytest.raises(CallFailure, match=said) as failure, checking("rows"):
        raise ValueError("a\n  b.")
    assert isinstance(failure.value.__cause__, ValueError)
    with pytest.raises(CallFailure, match=r"^rows: this raised KeyError\.$"), checking("rows"):
        raise KeyError
    with pytest.raises(CheckFailure, match=r"^f: wrong value\.$") as inner, checking("rows"):
        assert_close(1.0, 2.0, name="f")
    assert type(inner.value) is CheckFailure
    with pytest.raises(KeyboardInterrupt), checking("rows"):
        raise KeyboardInterrupt


@pytest.mark.parametrize("entry", range(6))
def test_a_wrong_gradient_of_one_entry_is_seen(entry: int) -> None:
    class Squares(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
            slopes = 2 * ctx.saved_tensors[0]
            slopes[entry] *= 1.001
            return slopes * gradients[0]

    x = torch.linspace(0.5, 3.0, 6).double().requires_grad_()
    assert_gradients(lambda x: x**2, x, name="squares")
    with pytest.raises(CheckFailure, match=r"gradient for argument number 1: it agrees to \d"):
        assert_gradients(Squares.apply, x, name="squares")
    with pytest.raises(CheckFailure, match=rf"at index \({entry},\)"):
        assert_gradients(Squares.apply, x, name="squares", reference=torch.square)


def test_gradients_that_need_none_are_the_fault_of_the_test() -> None:
    with pytest.raises(ValueError, match="no argument requires a gradient"):
        assert_gradients(torch.exp, torch.ones(2), name="exp")


def test_the_sentence_says_where_and_never_what() -> None:
    got, expected = np.full((2, 3), 7.25), np.full((2, 3), 7.25)
    got[1, 2], expected[1, 2] = 271828.0, 314159.0
    with pytest.raises(CheckFailure) as failure:
        assert_close((got, 1), (expected, 1), name="values")
    sentence = str(failure.value)
    assert sentence == "values, item 0: wrong value at index (1, 2) of shape (2, 3)."
    with pytest.raises(CheckFailure, match=r"^x: wrong value\.$"):
        assert_close(271828.0, 314159.0, name="x")
    with pytest.raises(CheckFailure, match=r"expected a NumPy array of shape \(2, 3\), got a numb"):
        assert_close(271828.0, expected, name="values")
    with pytest.raises(CheckFailure, match=r"expected shape \(2, 3\).*of shape \(3,\)"):
        assert_close(ones, expected, name="values")


def test_a_failure_survives_pickling_and_is_an_assertion_error() -> None:
    failure = pickle.loads(pickle.dumps(CheckFailure("values: wrong")))
    assert isinstance(failure, AssertionError)
    assert str(failure) == "values: wrong"


def test_shape_and_kind() -> None:
    assert_shape(np.ones((2, 0)), (2, 0), name="answer")
    assert_shape(torch.ones(2, 3), (2, 3), name="answer")
    assert_shape(1.5, (), name="answer")
    for got, shape in [(ones, (3, 1)), (1.5, (1,)), ([1.0], (1,)), (Chameleon(), (3,))]:
        with pytest.raises(CheckFailure, match="expected shape"):
            assert_shape(got, shape, name="answer")
    assert_dtype_kind(np.ones(3, dtype=np.uint8), "i", name="answer")
    assert_dtype_kind(torch.ones(3), "f", name="answer")
    for got, kind in [(ones, "i"), (np.array(["a"]), "f"), ([1.0], "f"), (True, "i")]:
        with pytest.raises(CheckFailure, match="entries"):
            assert_dtype_kind(got, kind, name="answer")


def test_only_true_is_true() -> None:
    assert_that(True, name="all is well")
    assert_that(np.bool_(True), name="all is well")
    for condition in (False, np.bool_(False), 1, "yes", np.ones(1, dtype=bool), Chameleon(), None):
        with pytest.raises(CheckFailure, match=r"does not hold: rows sum to 1\."):
            assert_that(condition, name="rows sum to 1")


def test_unchanged_returns_the_result_and_sees_every_change() -> None:
    assert assert_unchanged(lambda a, b: a + b, 1, 2, name="add") == 3
    nan = np.array([np.nan, 1.0])
    assert assert_unchanged(np.sum, nan[1:], name="sum") == 1.0
    assert_unchanged(lambda a: None, nan, name="nothing")

    def spoil(box: Any) -> None:
        target = box[1]["w"] if isinstance(box, tuple) else box
        target[0] = 5

    for argument in (np.zeros(2), [1, 2], torch.zeros(2), (0, {"w": np.zeros(2)})):
        with pytest.raises(CheckFailure, match="spoil: the call changed its argument number 1"):
            assert_unchanged(spoil, argument, name="spoil")


def test_raises() -> None:
    def call(error: BaseException | None) -> None:
        if error is not None:
            raise error

    assert_raises(ValueError, call, ValueError("told so"), name="gamma above 1")
    assert_raises(ArithmeticError, call, ZeroDivisionError(), name="a subclass")
    with pytest.raises(CheckFailure, match="gamma above 1: expected ValueError, but nothing"):
        assert_raises(ValueError, call, None, name="gamma above 1")
    with pytest.raises(CheckFailure, match=r"expected ValueError, got KeyError\.") as failure:
        assert_raises(ValueError, call, KeyError("a secret"), name="gamma above 1")
    assert "a secret" not in str(failure.value)
    with pytest.raises(KeyboardInterrupt):
        assert_raises(ValueError, call, KeyboardInterrupt(), name="a stop is not an answer")


def test_the_file_alone_is_enough() -> None:
    """A released notebook holds this text and runs where neither grader nor torch is installed."""
    text = Path(grader.checking.__file__).read_text()
    script = (
        "import sys; sys.modules['grader'] = sys.modules['torch'] = None\n"
        f"exec(compile({text!r}, 'cell', 'exec'))\n"
        "assert_close(np.ones(2), np.ones(2), name='x')\n"
        "try: assert_close(1.0, np.ones(2), name='x')\n"
        "except CheckFailure: print('refused')\n"
    )
    run = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False
    )
    assert (run.stdout, run.stderr) == ("refused\n", "")
