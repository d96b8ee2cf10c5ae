"""Which small mistakes are made, and where."""

from __future__ import annotations

import ast

import pytest

from grader.audit.mutants import Mutant, mutants_of
from grader.audit.operators import OPERATORS, Source

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


def others(grade_id: str, source: str) -> list[Mutant]:
    """All mutants but those that keep a result, of which every function has one."""
    return [m for m in mutants_of(grade_id, source, BEGIN, END) if m.operator != "cached"]


def edits(operator: str, code: str) -> set[str]:
    """What an operator makes of a piece of code."""
    source = Source(code)
    found = set()
    for node in ast.walk(source.tree):
        for edit in OPERATORS[operator](node, source):
            if edit is not None:
                found.add(code[: edit.start] + edit.text + code[edit.end :])
    return found


@pytest.mark.parametrize(
    ("operator", "code", "expected"),
    [
        ("arithmetic", "(a + b) * c", {"(a - b) * c", "(a + b) / c"}),
        ("arithmetic", "a ** b // c", {"a * b // c", "a ** b / c"}),
        ("arithmetic", "x -= -y", {"x += -y", "x -= y"}),
        ("arithmetic", "P @ V", {"P * V"}),
        ("comparison", "0 <= a < b", {"0 < a < b", "0 > a < b", "0 <= a <= b", "0 <= a >= b"}),
        ("comparison", "a is None", {"a is not None"}),
        ("comparison", "(a) == (b)", {"(a) != (b)"}),
        ("boolean", "a and b and c", {"a or b and c", "a and b or c"}),
        ("boolean", "not a", {"a"}),
        ("boolean", "if f(x): y = 1", {"if not (f(x)): y = 1"}),
        ("boolean", "if a < b: y = 1", set()),
        ("constant", "f(3, 0.5, True, 's')", {
            "f(4, 0.5, True, 's')", "f(2, 0.5, True, 's')", "f(3, 1.0, True, 's')",
            "f(3, 0.5, False, 's')", "f(3, 0.5, True, \"\")",
        }),
        ("argument order", "f(a, b + 1, *c)", {"f(b + 1, a, *c)"}),
        ("argument order", "x.transpose(0, 1)", set()),
        ("dropped statement", "x = y\nx[0] = 2", {"x = y\npass"}),
        ("dropped statement", "x += 1", {"pass"}),
        ("dropped statement", "if a:\n    x = 1", {"pass"}),
        ("dropped statement", "if a:\n    raise E", {"if a:\n    pass"}),
        ("slice", "x[:, 1:n]", {"x[1:, 1:n]", "x[:-1, 1:n]", "x[:, 1 + 1:n]", "x[:, 1:n - 1]"}),
        ("slice", "x[a + b:]", {"x[(a + b) + 1:]", "x[a + b:-1]"}),
        ("axis", "x.sum(0, axis=1)", {"x.sum(0, axis=0)", "x.sum(0)"}),
        ("axis", "x.amax(dim=-1)", {"x.amax(dim=0)", "x.amax()"}),
        ("reduction", "x.max() + argmin(y)", {"x.min() + argmin(y)"}),
        ("reduction", "sum(x)", set()),
        ("in place", "x = x + y * 2", {"x += y * 2"}),
        ("in place", "y = x.copy()", {"y = x"}),
        ("tolerance", "if a < b: c = a == b", {
            "if ((a < b) | (abs(a - b) <= 1e-8 + 1e-5 * abs(b))): c = a == b",
            "if a < b: c = ((a == b) | (abs(a - b) <= 1e-8 + 1e-5 * abs(b)))",
        }),
        ("tolerance", "a + 1 != f(b)", {
            "(((a + 1) != f(b)) & (abs((a + 1) - f(b)) > 1e-8 + 1e-5 * abs(f(b))))",
        }),
        ("tolerance", "np.array_equal(a, b)", {"np.allclose(a, b)"}),
        ("tolerance", "torch.equal(a, b)", {"torch.allclose(a, b)"}),
        ("tolerance", "if a < b: raise E", set()),
        ("tolerance", "a < 0, len(a) < n, P.shape == Q.shape, a is b, a in b, x == -1, 0 < a < b",
         set()),
        ("whole batch", "F.softmax(x, dim=-1)", {"x.flatten().softmax(0).view_as(x)"}),
        ("whole batch", "(a + b).log_softmax(dim=1)",
         {"(a + b).flatten().log_softmax(0).view_as((a + b))"}),
        ("whole batch", "torch.logsumexp(x, dim=-1, keepdim=True)",
         {"torch.logsumexp(x, dim=tuple(range(x.ndim)), keepdim=True)"}),
        ("whole batch", "x.max(dim=1, keepdim=True).values", {"x.max().reshape([1] * x.ndim)"}),
        ("whole batch", "x.max(dim=1, keepdim=True)[0]", {"x.max().reshape([1] * x.ndim)"}),
        ("whole batch", "np.logaddexp.reduce(x, axis=1, keepdims=True)",
         {"np.logaddexp.reduce(x, axis=None, keepdims=True)"}),
        ("whole batch", "x.sum(dim=1)", set()),
        ("cached", "def f(x, *, y):\n    return 2 * x, np.y", {
            'def f(x, *, y):\n    return f.__dict__.setdefault("kept", (2 * x, np.y))',
            "def f(x, *, y):\n    return f.__dict__.setdefault(str([getattr(x, \"tolist\", "
            "x.__repr__)() for x in (x, y, )]), (2 * x, np.y))",
        }),
        ("cached", "def f(x) -> tuple[int, float]:\n    return np.x", {
            'def f(x) -> tuple[int, float]:\n    return f.__dict__.setdefault("kept", np.x)',
        }),
        ("cached", "def f(x):\n    if x:\n        return 1\n    def g():\n        return 2", {
            'def f(x):\n    if x:\n        return f.__dict__.setdefault("kept", 1)\n'
            "    def g():\n        return 2",
        }),
        ("cached", "class A:\n    def f(self):\n        return 1", set()),
        ("aliased", "y = np.array(x, float)", {"y = np.asarray(x, float)"}),
        ("aliased", "y = list(x) + x[:] + copy.copy(z)",
         {"y = x + x[:] + copy.copy(z)", "y = list(x) + x + copy.copy(z)",
          "y = list(x) + x[:] + z"}),
        ("aliased", "xs = []\ny = np.array(xs), np.array([1]), list(f(x) for x in xs)", set()),
    ],
)  # fmt: skip
def test_an_operator_makes_its_mistakes(operator: str, code: str, expected: set[str]) -> None:
    assert edits(operator, code) == expected
    assert all(ast.parse(changed) for changed in expected)


def test_places_count_characters_where_python_counts_bytes() -> None:
    assert edits("arithmetic", "é = 'ü'; β + a") == {"é = 'ü'; β - a"}


def test_only_the_solution_is_mutated() -> None:
    source = (
        f'def f(a: int = 1) -> int:\n    """1 + 1"""\n    {BEGIN}\n    return a + b\n    {END}\n'
    )
    (mutant,) = others("cell", source + "x = 1 + 1\n")
    assert (mutant.function, mutant.operator, mutant.line) == ("f", "arithmetic", 4)
    assert (mutant.removed, mutant.added) == ("return a + b", "return a - b")
    assert mutant.source == source.replace("a + b", "a - b") + "x = 1 + 1\n"


def test_a_cell_without_markers_is_all_solution() -> None:
    assert {m.added for m in others("cell", "def f(a):\n    return a * 2\n")} == {
        "return a / 2",
        "return a * 3",
        "return a * 1",
    }


def test_words_that_decide_nothing_stay() -> None:
    source = (
        'def f(a: "t"):\n    """Doc."""\n    x: "t" = a\n    raise ValueError(f"no {a + 1}", 3)\n'
    )
    assert {m.added for m in others("cell", source)} == {"pass"}


def test_mutants_that_the_compiler_cannot_tell_apart_are_one() -> None:
    found = others("cell", "def f(x):\n    return x[:2]\n")
    assert sorted(m.added for m in found) == ["return x[1:2]", "return x[:2 - 1]", "return x[:3]"]


def test_a_dropped_block_is_shown_whole() -> None:
    source = "def f(a):\n    if a:\n        b = 1\n        c = 2\n    return a\n"
    shown = {(m.removed, m.added) for m in others("cell", source)}
    assert ("if a:\n    b = 1\n    c = 2", "pass") in shown


def test_what_is_no_python_has_no_mutants() -> None:
    assert others("cell", "%matplotlib inline\nx = 1 + 1\n") == []
