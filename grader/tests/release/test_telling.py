"""Notes of a release about what tests tell a student's code."""

from __future__ import annotations

import pytest

from grader.release.telling import find_telling
from grader.tests.split.corpus import entries
from grader.tests.split.notebooks import check, notebook, solution

ANSWER = "def f(x, rng=None):\n    pass\nclass Timer:\n    pass"
TELLING = {
    "draws_on": "np.random.seed(3)\nf(1)\nassert f(2) == np.random.rand()",
    "python_draws_on": "random.seed(3)\nf(1)\nassert f(2) == random.random()",
    "draws_from_what_it_passed": "rng = np.random.default_rng(3)\nf(1, rng)\nassert rng.random()",
    "gradient": "loss = ((f(x) - y) ** 2).sum()\n((f(x) - y) ** 2).sum().backward()",
    "gradient_of_a_loss": "torch.nn.functional.mse_loss(f(x), y).backward()",
    "assertion_in_a_block": "with Timer():\n    assert f(1) == 2",
}
SILENT = {
    "draws_first": "np.random.seed(3)\nx = np.random.rand()\nassert f(x) == x",
    "seeds_again": "np.random.seed(3)\nx = f(1)\nnp.random.seed(3)\nassert x == np.random.rand()",
    "passes_another": "rng = np.random.default_rng(3)\nf(1, RandomState(4))\nrng.random()",
    "own_generator": "torch.manual_seed(3)\nf(1)\ntorch.rand(2, generator=g)",
    "gradient_of_the_result": "f(x).sum().backward()",
    "assertion_behind_a_block": "with Timer():\n    found = f(1)\nassert found == 2",
    "marked": "### GRADER: ANSWER KERNEL\nwith Timer():\n    assert f(1) == 2",
}


def notes(source: str) -> list[str]:
    book = notebook(solution("answer", ANSWER), check("test_f", source))
    return [str(found) for found in find_telling("work", book)]


@pytest.mark.parametrize("source", TELLING.values(), ids=list(TELLING))
def test_what_tells_is_named(source: str) -> None:
    (note,) = notes(source)
    assert note.startswith("work, cell test_f, line ")


@pytest.mark.parametrize("source", SILENT.values(), ids=list(SILENT))
def test_what_does_not_is_not(source: str) -> None:
    assert notes(source) == []


def test_nothing_is_said_of_the_corpus() -> None:
    assert [str(note) for e in entries() for note in find_telling(e.name, e.source())] == []
