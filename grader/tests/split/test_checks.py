"""The strict checks see the same of a student's function in one kernel and in two."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from grader import checking
from grader.sandbox import SandboxPolicy
from grader.split import NotebookResult, Outcome
from grader.tests.split.notebooks import LIMITS, answer, check, given, named, run

pytestmark = pytest.mark.usefixtures("needs_bubblewrap")

CHECKS = Path(checking.__file__).read_text(encoding="utf-8")
CHECKS = CHECKS.replace("from __future__ import annotations", "")  # first lines only
SETUP = "import random\nimport numpy as np\nimport torch\n"
DATA = "x = np.arange(6.0)\nt = torch.arange(1.0, 7.0, dtype=torch.float64)\n"
STUDENT = """
kept = {}
buffer = np.zeros(6)

def doubled(a): return 2 * a
def itself(a): return a
def view(a): return a.reshape(2, 3)[:, 1:]
def inside(a): return {"rows": [a[1:], 3], "n": 2}
def lists(a): return a
def tail(a): return a[1:]
def spoils(a):
    a[0] = 7.0
    return 2 * a
def cached(a):
    return kept.setdefault("first", 2 * a)
def cached_inside(a):
    return kept.setdefault("pair", (2 * a, [1, 2]))
def same_buffer(a):
    buffer[:] = 2 * a
    return buffer
def draws_torch(a): return 2 * a + 0 * torch.rand(6, dtype=torch.float64)
def seeds_torch(a):
    torch.manual_seed(0)
    return 2 * a
def draws_numpy(a): return 2 * a + 0 * np.random.rand(6)
def draws_python(a): return 2 * a + 0 * random.random()
def without_gradients(a):
    torch.set_grad_enabled(False)
    return 2 * a
def silent(a):
    np.seterr(divide="ignore")
    return 2 * a
def other_dtype(a):
    torch.set_default_dtype(torch.float64)
    return 2 * a
def breaks(a): return a[100]
def refuses(a): raise ValueError("a must be\\n  positive.")
def asserts(a): assert False, "not like this"
def nothing(a): pass
def random_each_time(a): return a + torch.rand(6, dtype=torch.float64)
def cube(a): return a**3
def half(a): return a**2 * a.detach()
def detached(a): return (a**3).detach()
def unused(a, b): return 2 * b
class Model:
    def __init__(self): self.rows = np.zeros(3)
    def forward(self, a): return a
model = Model()
"""
# importing PyTorch takes its time on a busy machine
PATIENT = SandboxPolicy(limits=replace(LIMITS, cell_timeout=60.0, notebook_timeout=300.0))
NEW = "the result is, or shares memory with, argument number 1; it must be a new value"
MEMORY = "two calls hand out the same memory; each must make its own"
GLOBAL = "f: the call changed {}'s global random generator."
CASES = {
    "new_array": ("assert_unchanged(doubled, x, name='f')", ""),
    "new_tensor": ("assert_unchanged(doubled, t, name='f')", ""),
    "new_list": ("assert_unchanged(tail, [1, 2], name='f')", ""),
    "number": ("assert_unchanged(itself, 3, name='f')", ""),
    "text": ("assert_unchanged(itself, ('a', 1.5), name='f')", ""),
    "itself": ("assert_unchanged(itself, x, name='f')", f"f: {NEW}."),
    "tensor_itself": ("assert_unchanged(itself, t, name='f')", f"f: {NEW}."),
    "list_itself": ("assert_unchanged(lists, [1, 2], name='lists')", f"lists: {NEW}."),
    "view": ("assert_unchanged(view, x, name='f')", f"f: {NEW}."),
    "tensor_view": ("assert_unchanged(view, t, name='f')", f"f: {NEW}."),
    "view_inside": ("assert_unchanged(inside, x, name='f')", f"f: {NEW}."),
    "tensor_inside": ("assert_unchanged(inside, t, name='f')", f"f: {NEW}."),
    "of_an_item": ("assert_unchanged(itself, [x], name='f')", f"f: {NEW}."),
    "method": ("assert_unchanged(model.forward, x, name='f')", f"f: {NEW}."),
    "allowed": ("assert_unchanged(view, x, name='f', fresh=False)", ""),
    "leaf": ("assert_unchanged(itself, t.requires_grad_(), name='f')", f"f: {NEW}."),
    "changed": (
        "assert_unchanged(spoils, x, name='f')",
        "f: the call changed its argument number 1 in place.",
    ),
    "repeatable": (
        "assert_close(assert_unchanged(doubled, x, name='f', twice=True), 2 * x, name='f')",
        "",
    ),
    "cached": ("assert_unchanged(cached, t, name='f', twice=True)", f"f: {MEMORY}."),
    "cached_inside": ("assert_unchanged(cached_inside, t, name='f', twice=True)", MEMORY),
    "same_buffer": ("assert_unchanged(same_buffer, x, name='f', twice=True)", MEMORY),
    "random": (
        "assert_unchanged(random_each_time, t, name='f', settings=False, twice=True)",
        "called again with the same",
    ),
    "named": ("assert_unchanged(unused, x, b=x, name='f', twice=True)", ""),
    "draws_torch": ("assert_unchanged(draws_torch, t, name='f')", "PyTorch's global random gen"),
    "seeds_torch": ("assert_unchanged(seeds_torch, t, name='f')", "PyTorch's global random gen"),
    "draws_numpy": ("assert_unchanged(draws_numpy, x, name='f')", "NumPy's global random gen"),
    "draws_python": ("assert_unchanged(draws_python, x, name='f')", "Python's global random gen"),
    "may_draw": ("assert_unchanged(draws_torch, t, name='f', settings=False)", ""),
    "gradients": (
        "assert_unchanged(without_gradients, t, name='f')",
        "f: the call changed whether PyTorch records gradients.",
    ),
    "silent": ("assert_unchanged(silent, x, name='f')", "how NumPy takes floating-point errors"),
    "other_dtype": ("assert_unchanged(other_dtype, t, name='f')", "PyTorch's default dtype"),
    "breaks": (
        "assert_unchanged(breaks, x, name='late rows')",
        "late rows (breaks): this raised IndexError: index 100 is out of bounds for axis 0 with",
    ),
    "refuses": (
        "assert_unchanged(refuses, x, name='late rows')",
        "late rows (refuses): this raised ValueError: a must be positive.",
    ),
    "asserts": (
        "assert_unchanged(asserts, x, name='f')",
        "this raised AssertionError: not like this.",
    ),
    "block": (
        "with checking('the mean of all rows'):\n    breaks(x).mean()",
        "the mean of all rows: this raised IndexError",
    ),
    "unpacked": (
        "with checking('a pair comes back'):\n    a, b = nothing(x)",
        "a pair comes back: this raised TypeError",
    ),
    "in_a_block": (
        "with checking('outer'):\n    assert_that(doubled(3) == 7, name='inner')",
        "This does not hold: inner.",
    ),
    "slopes": ("assert_gradients(cube, t.requires_grad_(), name='f')", ""),
    "slopes_single": ("assert_gradients(cube, t.float().requires_grad_(), name='f')", ""),
    "slopes_reference": (
        "assert_gradients(cube, t.requires_grad_(), name='f', reference=lambda a: a * a * a)",
        "",
    ),
    "slopes_wrong": (
        "assert_gradients(half, t.requires_grad_(), name='f')",
        "f, gradient for argument number 1: wrong value.",
    ),
    "slopes_unlike_reference": (
        "assert_gradients(half, t.requires_grad_(), name='f', reference=lambda a: a ** 3)",
        "f, gradient for argument number 1: wrong value at index (",
    ),
    "slopes_detached": (
        "assert_gradients(detached, t.requires_grad_(), name='f')",
        "f: no gradient can flow from the result to the arguments.",
    ),
    "slopes_unused": (
        "assert_gradients(unused, t.requires_grad_(), t.clone().requires_grad_(), name='f')",
        "f: no gradient reaches argument number 1.",
    ),
    "slopes_break": (
        "assert_gradients(breaks, t.requires_grad_(), name='f')",
        "f (breaks): this raised IndexError",
    ),
}


@pytest.fixture(scope="module")
def over_two() -> NotebookResult:
    # each test begins as if the ones before it had left all as it was
    again = (
        "torch.set_grad_enabled(True)\ntorch.set_default_dtype(torch.float32)\nkept.clear()\n"
        "np.seterr(divide='warn')"
    )
    cells = [
        part
        for name, (source, _) in CASES.items()
        for part in (answer(again), check(name, DATA + source))
    ]
    return run(
        given("imports", SETUP), given("checks", CHECKS), answer(STUDENT), *cells, policy=PATIENT
    )


@pytest.fixture
def settings_back() -> Iterator[None]:
    states = random.getstate(), np.random.get_state(), torch.get_rng_state(), np.geterr()
    yield
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])
    np.seterr(**states[3])
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("settings_back")
def test_in_one_kernel(name: str) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    for source in (SETUP, CHECKS, STUDENT, DATA):
        exec(source, names)
    source, sentence = CASES[name]
    try:
        exec(source, names)
        kind, said = "", ""
    except AssertionError as failure:
        kind, said = type(failure).__name__, str(failure)
    assert sentence in said
    assert bool(sentence) == bool(said)
    assert kind == ("CallFailure" if "this raised" in sentence else "CheckFailure" if said else "")


@pytest.mark.parametrize("name", CASES)
def test_in_two_kernels(over_two: NotebookResult, name: str) -> None:
    _, sentence = CASES[name]
    found = named(over_two, name)
    raised = "this raised" in sentence
    wrong = Outcome.ERRORED if raised else Outcome.FAILED
    assert sentence in found.message
    assert found.outcome is (wrong if sentence else Outcome.PASSED), found.message
    assert bool(sentence) == bool(found.message)


def test_what_the_other_side_says_of_a_call_earns_nothing() -> None:
    """Who rewrites the helper of the answer kernel is still compared with trusted data."""
    own = "fn(*args)"
    head = "def _call_watched(fn, args, options, twice):\n    return"
    lies = [f"{own}, 0, [], []", f"{own}, 0, None, 3", "()", "7", f"({own},)", "fn, 0, [], []"]
    cells = [
        part
        for at, lie in enumerate(lies)
        for part in (
            answer(f"{head} {lie}\ndef f(a): return a"),
            check(f"itself_{at}", f"{DATA}assert_unchanged(f, x, name='f')"),
            check(
                f"value_{at}",
                f"{DATA}assert_close(assert_unchanged(f, x, name='f'), x + 1, name='f')",
            ),
        )
    ]
    result = run(given("imports", SETUP), given("checks", CHECKS), *cells, policy=PATIENT)
    passed = {test.grade_id for test in result.tests if test.outcome is Outcome.PASSED}
    assert passed == {"itself_5"}  # a function shares memory with nothing, and equals no array


def test_a_students_check_may_check_a_tests_function_with_them() -> None:
    book = [
        given("setup", SETUP),
        given("checks", CHECKS),
        answer(
            "def tried(candidate):\n"
            "    got = assert_unchanged(candidate, np.ones(2), name='c', twice=True)\n"
            "    assert_close(got, np.full(2, 2.0), name='c')"
        ),
        check(
            "test_tried",
            "def spoils(a):\n    a[0] = 7.0\n    return np.full(2, 2.0)\n\n"
            "tried(lambda a: 2 * a)\n"
            "assert_raises(AssertionError, tried, spoils, name='a check of spoils')\n"
            "assert_raises(AssertionError, tried, lambda a: 3 * a, name='a check of three')",
        ),
    ]
    result = run(*book)
    assert named(result, "test_tried").outcome is Outcome.PASSED, named(result, "test_tried")
