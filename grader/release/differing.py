"""Expressions of a test that mean something else where the student's code is in another kernel.

Nothing of this raises there, so an instructor must be told: the test would give other points.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeGuard

from grader.release.looking import Reach, assigned, first_name, shown
from grader.release.names import words

_GENERATORS = words(
    "numpy.random.default_rng numpy.random.RandomState random.Random torch.Generator"
)
_PYPLOT = "matplotlib.pyplot"
_OPENING = words("figure subplots axes subplot subplot_mosaic")
_CURRENT = words("gcf gca get_fignums")
_COMPARED = words(
    "__eq__ __ne__ __lt__ __le__ __gt__ __ge__ __add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ "
    "__truediv__ __matmul__ __mod__ __contains__ __iadd__"
)
_PLAIN = words("tuple str frozenset bytes")


def differing(tree: ast.Module, reach: Reach) -> Iterator[tuple[int, str]]:
    """Lines of a test cell and what is different there, each without its full stop."""
    yield from _identities(tree, reach)
    yield from _generators(tree, reach)
    yield from _figures(tree, reach)
    yield from _symbols(tree, reach)
    yield from _arrays(tree, reach)


def _identities(tree: ast.Module, reach: Reach) -> Iterator[tuple[int, str]]:
    """`f(x) is x` for a value that goes as a copy, and for an object with its own comparison."""
    given = list(assigned(tree))
    others = {name for name, value in given if not _is_plain(value)}
    plain = {name for name, value in given if _is_plain(value)} - others
    kinds = _classes_with(reach, _COMPARED, "dataclass")
    made = {name for name, value in given if _class_made(value) in kinds}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Is | ast.IsNot):
            continue
        sides = [node.left, node.comparators[0]]
        for one, other in (sides, sides[::-1]):
            if reach.path(other) == "numpy.ma.masked" and first_name(one) in reach.students:
                yield node.lineno, f"{shown(one)} is never NumPy's own np.ma.masked here"
            elif isinstance(one, ast.Call) and first_name(one) in reach.students:
                if _is_plain(other) or (isinstance(other, ast.Name) and other.id in plain):
                    yield node.lineno, f"{shown(one)} is an equal copy, never the same value"
            elif (
                not isinstance(one, ast.Name)
                and isinstance(other, ast.Name)
                and {other.id, first_name(one)} <= made
            ):
                yield (
                    node.lineno,
                    f"{shown(one)} is not seen to be {other.id}, whose class compares its objects "
                    "itself",
                )


def _is_plain(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return not isinstance(value.value, bool | None | type(...))
    called = (
        value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""
    )
    return isinstance(value, ast.Tuple | ast.JoinedStr) or called in _PLAIN


def _class_made(value: ast.expr) -> str:
    made = value.func if isinstance(value, ast.Call) else None
    return made.id if isinstance(made, ast.Name) else ""


def _classes_with(reach: Reach, methods: frozenset[str], decorator: str = "") -> set[str]:
    """Students' classes that define one of these methods, or have a decorator that does."""
    return {
        node.name
        for tree in reach.theirs
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and node.name in reach.classes
        and (
            any(isinstance(each, ast.FunctionDef) and each.name in methods for each in node.body)
            or any(decorator in ast.unparse(each) for each in node.decorator_list if decorator)
        )
    }


def _generators(tree: ast.Module, reach: Reach) -> Iterator[tuple[int, str]]:
    """A generator that a test hands over and goes on drawing from."""
    for name in {name for name, value in assigned(tree) if _makes_generator(value, reach)}:
        for draw in ast.walk(tree):
            if _draws(draw, name) and _handed_before(tree, draw, name, reach):
                yield (
                    draw.lineno,
                    f"{name} goes on here from where the test left it, whatever a student's "
                    "function has drawn from its copy",
                )
                break


def _draws(node: ast.AST, name: str) -> TypeGuard[ast.Call]:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    return _names(node.func.value, name)


def _hands_over(node: ast.AST, name: str, reach: Reach) -> TypeGuard[ast.Call]:
    """Whether it calls a student's function with the object of this name."""
    if not isinstance(node, ast.Call) or first_name(node) not in reach.students:
        return False
    return any(_names(each, name) for each in (*node.args, *(w.value for w in node.keywords)))


def _handed_before(tree: ast.Module, draw: ast.Call, name: str, reach: Reach) -> bool:
    """Whether a student's function had the generator before, and it was not made anew since."""
    for block in ast.walk(tree):
        if not isinstance(block, ast.Module | ast.For | ast.While):
            continue
        inside = [*ast.walk(block)]
        if draw not in inside:
            continue
        made = [each.lineno for each in inside if _names(each, name, ast.Store)]
        for call in (each for each in inside if _hands_over(each, name, reach)):
            end = (call.end_lineno or 0, call.end_col_offset or 0)
            since = any(call.lineno < line <= draw.lineno for line in made)
            if end <= (draw.lineno, draw.col_offset) and not since:
                return True
            if not isinstance(block, ast.Module) and not made:
                return True  # in the next turn of the loop
    return False


def _makes_generator(value: ast.expr, reach: Reach) -> bool:
    while isinstance(value, ast.Call):
        if reach.path(value.func) in _GENERATORS:
            return True
        value = value.func.value if isinstance(value.func, ast.Attribute) else value.func
    return False


def _names(node: ast.AST, name: str, way: type[ast.expr_context] = ast.Load) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, way)


def _figures(tree: ast.Module, reach: Reach) -> Iterator[tuple[int, str]]:
    """A figure that a test opens for a student's function to draw on without being given it."""
    drawing = _drawing_functions(reach)
    opened: set[str] = set()
    open_at = called_at = 0
    for node in sorted(ast.walk(tree), key=lambda each: getattr(each, "lineno", 0)):
        if isinstance(node, ast.Assign) and _pyplot(node.value, reach) in _OPENING:
            opened |= {
                each.id
                for target in node.targets
                for each in ast.walk(target)
                if isinstance(each, ast.Name)
            }
        if isinstance(node, ast.Call) and _pyplot(node, reach) in _OPENING:
            open_at = node.lineno
        elif isinstance(node, ast.Call) and first_name(node.func) in drawing and open_at:
            given = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
            called_at = 0 if given & opened else node.lineno
        elif called_at and getattr(node, "lineno", 0) > called_at:
            looks = isinstance(node, ast.Attribute) and first_name(node) in opened
            if looks or (isinstance(node, ast.Call) and _pyplot(node, reach) in _CURRENT):
                yield (
                    open_at,
                    "the student's function draws on a figure of its own, not on the one that "
                    "the test opens here",
                )
                return


def _pyplot(node: ast.AST, reach: Reach) -> str:
    path = reach.path(node.func) if isinstance(node, ast.Call) else ""
    return path.removeprefix(f"{_PYPLOT}.") if path.startswith(_PYPLOT) else ""


def _drawing_functions(reach: Reach) -> set[str]:
    """Students' functions that draw on the current figure and open none."""
    found = set()
    for tree in reach.theirs:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name in reach.students:
                used = {_pyplot(each, reach) for each in ast.walk(node)} - {"", "show", "close"}
                if used and not used & _OPENING:
                    found.add(node.name)
    return found


def _symbols(tree: ast.Module, reach: Reach) -> Iterator[tuple[int, str]]:
    """A student's expression of SymPy that meets one of the test's."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call | ast.Compare | ast.BinOp):
            continue
        if isinstance(node, ast.Call) and not reach.path(node.func).startswith("sympy."):
            continue
        inside = [*ast.walk(node)]
        ours = any(reach.path(each).startswith("sympy.") for each in inside)
        theirs = any(isinstance(each, ast.Name) and each.id in reach.students for each in inside)
        if ours and theirs:
            yield node.lineno, "an expression of SymPy does not leave the kernel that made it"
            return


def _arrays(tree: ast.Module, reach: Reach) -> Iterator[tuple[int, str]]:
    """An object that makes an array of itself, where NumPy is to make one."""
    kinds = _classes_with(reach, frozenset({"__array__"}))
    made = {name for name, value in assigned(tree) if _class_made(value) in kinds}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and reach.path(node.func).startswith("numpy."):
            for each in node.args:
                if _class_made(each) in kinds or (isinstance(each, ast.Name) and each.id in made):
                    yield node.lineno, f"NumPy makes no array of {shown(each)} here"
