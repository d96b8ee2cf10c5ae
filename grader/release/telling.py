"""What a test tells a student's code, or believes of it, though it need not: notes for a release.

Nothing of this is wrong, and each may be on purpose; the threat model says what comes of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import nbformat
from nbgrader.utils import is_grade, is_locked, is_solution

from grader.release import names
from grader.release.crossing import Finding
from grader.release.looking import first_name
from grader.release.marks import is_marked
from grader.release.names import words
from grader.release.sources import grade_id_of

_SEEDS = words("np.random.seed numpy.random.seed random.seed torch.manual_seed")
_GLOBAL = re.compile(
    r"(np|numpy)\.random\.(?!default_rng|Generator|RandomState|SeedSequence|seed|get_state|set_state)"
    r"[a-z]\w*|random\.(?!Random|seed|getstate|setstate)[a-z]\w*"
    r"|torch\.(rand|randn|randint|randperm|normal|bernoulli|multinomial|rand_like|randn_like)"
)
_MAKERS = re.compile(r"(.*\.)?(default_rng|RandomState|Random|Generator(\(\)\.manual_seed)?)")
_BACKWARD = words("backward grad")


def find_telling(name: str, notebook: nbformat.NotebookNode) -> tuple[Finding, ...]:
    """Look through the tests of one instructor's notebook.

    Args:
        name: the notebook's name, for the findings.
        notebook: with its solutions and hidden tests.

    Returns:
        Notes in order of cell and line.
    """
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    students = {
        defined
        for cell in codes
        if is_solution(cell) or not (is_grade(cell) or is_locked(cell))
        for defined in names.defined_names(cell.source)
    }
    found: list[Finding] = []
    for cell in codes:
        tree = names.parse_cell(cell.source)
        if is_grade(cell) and not is_solution(cell) and not is_marked(cell.source) and tree:
            shift = len(cell.source) - len(cell.source.lstrip("\n"))
            said = {*_draws(tree, students), *_gradients(tree, students), *_blocks(tree, students)}
            found += (
                Finding(name, grade_id_of(cell), line + shift, sentence)
                for line, sentence in sorted(said)
            )
    return tuple(found)


def _calls(tree: ast.AST) -> list[ast.Call]:
    """In order of lines."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return sorted(calls, key=lambda call: (call.lineno, call.col_offset))


def _draws(tree: ast.Module, students: set[str]) -> Iterator[tuple[int, str]]:
    """Draws of a test from a generator that the student's code knows, too."""
    passed: dict[str, int] = {}
    seeded = asked = 0
    made = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        for target in node.targets
        if isinstance(target, ast.Name) and _MAKERS.fullmatch(ast.unparse(node.value.func))
    }
    for call in _calls(tree):
        path = ast.unparse(call.func)
        if first_name(call.func) in students:
            asked = call.lineno if seeded else 0
            for each in [*call.args, *(word.value for word in call.keywords)]:
                if isinstance(each, ast.Name) and each.id in made:
                    passed.setdefault(each.id, call.lineno)
        elif path in _SEEDS:
            seeded, asked = call.lineno, 0
        elif asked and _GLOBAL.fullmatch(path) and not _has_its_own(call):
            yield (
                call.lineno,
                f"{path} draws on after line {seeded} has seeded it and a student's function was "
                "called: that function knows what is drawn. Draw before the call, or from a "
                "generator of the test's own.",
            )
        elif (owner := first_name(call.func)) in passed and isinstance(call.func, ast.Attribute):
            yield (
                call.lineno,
                f"{owner} was handed to a student's function in line {passed[owner]}, which knows "
                "what is drawn from it here. Give the function a generator of its own.",
            )


def _has_its_own(call: ast.Call) -> bool:
    return any(word.arg in ("generator", "rng", "random_state") for word in call.keywords)


def _gradients(tree: ast.Module, students: set[str]) -> Iterator[tuple[int, str]]:
    """Backward passes through what a student's function gave."""
    given = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _names(node.value) & students
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in _calls(tree):
        function = call.func
        if not isinstance(function, ast.Attribute) or function.attr not in _BACKWARD:
            continue
        parts = [function.value, *call.args] if function.attr == "backward" else call.args[:1]
        for part in parts:
            if isinstance(part, ast.BinOp | ast.Call) and _compares(part, given | students):
                yield (
                    call.lineno,
                    "the student's function learns the gradient of this loss, and with it the "
                    "values that the loss compares with.",
                )


def _compares(node: ast.expr, given: set[str]) -> bool:
    """Whether an expression has a student's value less something of the test's."""
    for each in ast.walk(node):
        if isinstance(each, ast.BinOp) and isinstance(each.op, ast.Sub):
            sides = [_names(each.left), _names(each.right)]
            if any(one & given and other - given for one, other in (sides, sides[::-1])):
                return True
        if not isinstance(each, ast.Call) or first_name(each.func) in given:
            continue
        loss = "loss" in ast.unparse(each.func).lower()
        if loss and len(each.args) > 1 and _names(each) & given:
            return True
    return False


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _blocks(tree: ast.Module, students: set[str]) -> Iterator[tuple[int, str]]:
    """Assertions in the `with` block of a student's object."""
    for node in ast.walk(tree):
        if isinstance(node, ast.With):
            theirs = any(first_name(item.context_expr) in students for item in node.items)
            checks = [each for part in node.body for each in ast.walk(part)]
            if theirs and any(isinstance(each, ast.Assert) for each in checks):
                yield (
                    node.lineno,
                    "a student's object ends this block, which has assertions: none that fails is "
                    "passed over, but where the block should swallow an exception it will not. Put "
                    "assertions behind the block.",
                )
