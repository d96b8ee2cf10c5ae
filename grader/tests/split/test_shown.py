"""Which functions of a notebook's text are shown to students and only compute."""

from __future__ import annotations

import pytest

from grader.split.plan import make_plan
from grader.split.shown import IN_ALL, shown_functions
from grader.tests.split.notebooks import answer, check, given, notebook, solution

IMPORTS = """
import math
import functools
import os
import random
import numpy as np
import scipy
import torch
import torch.nn.functional as F
from collections.abc import Callable
from math import sqrt
from torch import nn
"""
MARKED = "### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS"


def names(*cells: str) -> list[str]:
    return [text.name for text in shown_functions([IMPORTS, *cells])]


COMPUTES = {
    "arithmetic": "def f(x, y=1): return x + y",
    "constants": "def f(x, a=-1.5, *, b=(1, (None, 'x')), c=b'', d=...): return x",
    "annotations": "def f(x: int, g: 'Anything' = None) -> float: return x / 2",
    "annotations_of_libraries": "def f(x: np.ndarray, g: Callable[[float], float]): return g(x)",
    "builtins": "def f(xs): return sorted(map(abs, xs), key=len)[:max(1, len(xs))]",
    "raises": "def f(x):\n    if x < 0:\n        raise ValueError('x')\n    return x",
    "numpy": "def f(V): return np.linalg.norm(V) + np.add.reduce(V) + math.pi",
    "torch": "def f(x):\n    with torch.no_grad():\n        return F.relu(x).sum(dim=-1)",
    "through_a_passage": "def f(x): return nn.functional.softmax(x, dim=-1)",
    "an_imported_function": "def f(xs): return list(map(sqrt, xs))",
    "inner_functions": "def f(xs):\n    def g(x):\n        return x\n    return [g(x) for x in xs]",
    "own_changes": "def f(x):\n    x[0] = 1\n    x.a = 2\n    del x[1]\n    return x",
    "itself": "def f(n): return 1 if n == 0 else n * f(n - 1)",
    "methods": "def f(x): return x.requires_grad_().clone().add_(1).argmax(axis=2)",
    "default_of_a_dict": "def f(d, k): return d.setdefault(k, []) or d.get(k)",
}


@pytest.mark.parametrize("source", COMPUTES.values(), ids=list(COMPUTES))
def test_what_only_computes_is_found(source: str) -> None:
    assert names(source) == ["f"]


ELSE = {
    "decorator": "@functools.cache\ndef f(x): return x",
    "async": "async def f(x): return x",
    "generator": "def f(x): yield x",
    "lambda": "f = lambda x: x",
    "method": "class A:\n    def f(self): return 1",
    "not_at_the_top": "if True:\n    def f(x): return x",
    "mutable_default": "def f(x, seen=[]): return x",
    "computed_default": "def f(x, y=2 * 3): return x",
    "default_by_name": "k = 1\ndef f(x, y=k): return x",
    "annotation_by_name": "class A: pass\ndef f(x: A): return x",
    "global_value": "k = 1\ndef f(x): return k * x",
    "global_statement": "def f(x):\n    global k\n    k = x",
    "import": "def f(x):\n    import math\n    return math.pi",
    "print": "def f(x): print(x)",
    "open": "def f(x): return open(x)",
    "getattr": "def f(x): return getattr(x, 'a')",
    "eval": "def f(x): return eval(x)",
    "globals": "def f(x): return globals()",
    "base_exception": "def f(x):\n    try: return x()\n    except BaseException: pass",
    "its_name": "def f(x): return __name__",
    "os": "def f(x): return os.getcwd()",
    "private": "def f(x): return x._data",
    "dunder": "def f(x): return x.__class__",
    "random": "def f(x): return random.random()",
    "numpy_random": "def f(x): return np.random.rand(x)",
    "torch_random": "def f(x): return torch.randn(x)",
    "torch_normal": "def f(x): return torch.normal(x, 1)",
    "torch_bernoulli": "def f(x): return torch.bernoulli(x)",
    "torch_seed": "def f(x): return torch.manual_seed(x)",
    "torch_dropout": "def f(x): return F.dropout(x)",
    "draws_in_place": "def f(x): return x.normal_()",
    "draws_inside": "def f(xs): return [x.uniform_() for x in xs]",
    "draws_from_a_distribution": "def f(d): return d.sample()",
    "scipy_rvs": "def f(x): return scipy.special.rvs(x)",
    "alias_that_draws": "from numpy.random import normal\ndef f(x): return normal(x)",
    "switch": "def f(x): torch.set_default_dtype(x)",
    "numpy_switch": "def f(x):\n    with np.errstate(all='raise'):\n        return 1 / x",
    "named_attribute": "import operator\ndef f(x): return operator.methodcaller('normal_')(x)",
    "file": "def f(x): return np.loadtxt(x)",
    "array_file": "def f(x): x.tofile('x')",
    "changes_a_module": "def f(x): np.pi = x",
    "changes_in_a_module": "def f(x): np.typecodes['All'] = x",
    "deletes_in_a_module": "def f(x): del np.pi",
    "attribute_of_itself": "def f(x): f.seen = x",
    "itself_as_a_value": "def f(x): return f",
    "function_of_another_kind": "k = 1\ndef g(x): return k\ndef f(x): return g(x)",
    "by_two_steps": "k = 1\ndef h(): return k\ndef g(): return h()\ndef f(): return g()",
    "magic": "%matplotlib inline\ndef f(x): return x",
    "broken": "def f(x: return x",
    "one_alias_for_two": "import torch as np\ndef f(x): return np.exp(x)",
    "a_name_that_is_also_its_own": "def f(x):\n    return [np for np in x], (lambda: np.exp(x))()",
    "long": f"def f(x): return {'x + ' * 3000}x",
}


@pytest.mark.parametrize("source", ELSE.values(), ids=list(ELSE))
def test_anything_else_is_left_out(source: str) -> None:
    assert "f" not in names(source)


def test_functions_may_call_one_another() -> None:
    cell = "def f(n): return g(n - 1) if n else 0\n\ndef g(n): return f(n) + 1"
    by_name = {text.name: text for text in shown_functions([cell])}
    assert {name: text.calls for name, text in by_name.items()} == {"f": ["g"], "g": ["f"]}


def test_what_a_function_reads_is_said_in_full() -> None:
    cell = "def f(x):  # of x\n    return np.linalg.norm(F.relu(x)) + sqrt(2) + len(x)\n\n\nf(1)"
    (text,) = shown_functions([IMPORTS, cell])
    assert (
        text.source == "def f(x):  # of x\n    return np.linalg.norm(F.relu(x)) + sqrt(2) + len(x)"
    )
    assert text.imports == {"F": "torch.nn.functional", "np": "numpy", "sqrt": "math.sqrt"}
    assert text.reads == ["torch.nn.functional.relu", "numpy.linalg.norm", "math.sqrt"]
    assert text.builtins == ["len"]


def test_all_of_them_together_are_bounded() -> None:
    cells = [f"def f{n}(x): return {'x + ' * 1000}x" for n in range(40)]
    found = shown_functions(cells)
    assert 0 < sum(len(text.source) for text in found) <= IN_ALL
    assert [text.name for text in found] == [f"f{n}" for n in range(len(found))]


def test_only_what_students_read_of_the_instructors_cells_is_taken() -> None:
    hidden = (
        "import numpy as canary\ndef f(x): return 'canary'\n"
        "def g(x, y='canary'): return x\nprice = 'canary'"
    )
    inside = (
        "def h(x):\n    y = x\n### BEGIN HIDDEN TESTS\n    y = 'canary'\n### END HIDDEN TESTS\n"
    )
    plan = make_plan(
        notebook(
            given("setup", "import numpy as np\ndef helper(x): return np.exp(x)"),
            solution("s", "def students(x): return x"),
            answer("def own(x): return x"),
            check("t", f"def f(x): return x\n{MARKED.format(hidden)}\n{inside}    return y"),
            check("u", "### GRADER: ANSWER KERNEL\ndef marked(x): return x"),
            check("v", "f(1), h(1), students"),
        )
    )
    assert [text.name for text in plan.shown] == ["helper", "f", "h"]
    assert "canary" not in repr(plan.shown)
