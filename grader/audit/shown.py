"""Does anything that students see give an answer away?

Three rules, each with a reason. A line that stands only in solutions or hidden tests must not
stand in a released file (`grader.release.leaks`, which also stops a release). Three statements in
a row of a reference solution, whatever its names are, must not stand in the code of a page: a
chapter may share a formula, which is one line, but not the way through a task. A number that a
hidden test expects must be shown nowhere with seven digits or more; with fewer, numbers agree by
chance.
"""

from __future__ import annotations

import ast
import bisect
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import jupytext
import nbformat

from grader.audit.subject import Subject, without_region
from grader.course import Course
from grader.errors import ReleaseError
from grader.release.leaks import check_leaks, check_sources
from grader.release.names import parse_cell

RUN = 3
DIGITS = 7
_NUMBER = re.compile(r"(?<![\w.])-?\d*\.\d+(?:[eE][-+]?\d+)?(?![\w.])")
_NAME = re.compile(r"(?:id|arg)='(\w+)'")
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def find_leaks(
    course: Course, subject: Subject, expected: Iterable[float], messages: Iterable[str]
) -> list[str]:
    """Sentences about what shows too much.

    Args:
        course: where released files and pages are.
        subject: the notebook whose secrets these are.
        expected: the numbers that its hidden tests compare with.
        messages: what failed tests said.
    """
    found = []
    released = course.path("release", subject.assignment)
    files = sorted(path for path in released.rglob("*") if path.is_file())
    with tempfile.TemporaryDirectory(prefix="grader-audit-") as folder:
        source = Path(folder) / f"{subject.name}.ipynb"
        nbformat.write(subject.notebook, source)
        try:
            check_sources([source], subject.regions)
            check_leaks([source], files, subject.regions)
        except ReleaseError as error:
            found.append(str(error).replace(str(source), source.name))
    secret = _secret_runs(subject)
    visible = {n for cell in subject.notebook.cells for n in _numbers(_open(cell.source, subject))}
    hidden = sorted(expected)
    pages = course.pages
    for path in [*files, *pages]:
        for code in _code(path):
            found += [
                f"{path} shows {RUN} statements in a row of {function}."
                for function in _quoted(code, secret)
            ]
        if path in pages:
            text = path.read_text(encoding="utf-8", errors="replace")
            found += _values(str(path), set(_numbers(text)) - visible, hidden)
    found += _values("The released notebook", visible, hidden)
    said = {number for message in messages for number in _numbers(message)}
    found += _values("Feedback", said, hidden)
    return list(dict.fromkeys(found))


def statement_runs(code: str) -> Iterator[tuple[str, str]]:
    """Every run of `RUN` statements in a function, with the function's name ("" outside of any).

    Names are numbered in the order in which the run mentions them, so that other names make no
    difference. Imports, docstrings, exceptions with their conditions, and statements without any
    operation say nothing and are left out.
    """
    tree = parse_cell(code)
    if tree is None:
        return
    yield from _runs("", [n for n in tree.body if not hasattr(n, "name")])
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _runs(node.name, node.body)


def _runs(name: str, body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    heads = [head for statement in body for head in _heads(statement)]
    for at in range(len(heads) - RUN + 1):
        numbers: dict[str, int] = {}
        text = "\n".join(heads[at : at + RUN])
        yield name, _NAME.sub(lambda m: f"#{numbers.setdefault(m[1], len(numbers))}", text)  # noqa: B023


def _heads(node: ast.AST) -> Iterator[str]:
    """A statement without the statements inside it, then those, each as text."""
    blocks = [child for name in _BLOCKS for child in getattr(node, name, [])]
    only_raises = bool(blocks) and all(isinstance(child, ast.Raise) for child in blocks)
    if only_raises or isinstance(node, ast.Raise | ast.Import | ast.ImportFrom | ast.Pass):
        return
    parts = [
        ast.dump(value)
        for name, field in ast.iter_fields(node)
        if name not in (*_BLOCKS, "decorator_list", "name", "returns")
        for value in (field if isinstance(field, list) else [field])
        if isinstance(value, ast.AST)
    ]
    operates = any(
        isinstance(inner, ast.BinOp | ast.Call | ast.Compare | ast.Subscript | ast.UnaryOp)
        for inner in ast.walk(node)
    )
    if operates and not isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield f"{type(node).__name__}({', '.join(parts)})"
    for child in blocks:
        yield from _heads(child)


def _secret_runs(subject: Subject) -> dict[str, str]:
    """Runs of the reference, by the function they are from, less those that the stub shows."""
    found = {}
    shown = set()
    for cell in subject.notebook.cells:
        if cell.cell_type != "code":
            continue
        if cell.metadata.get("nbgrader", {}).get("solution"):
            found.update({run: name for name, run in statement_runs(cell.source)})
        else:
            shown |= {run for _, run in statement_runs(_open(cell.source, subject))}
    return {run: name for run, name in found.items() if run not in shown}


def _quoted(code: str, secret: dict[str, str]) -> list[str]:
    return sorted({secret[run] for _, run in statement_runs(code) if run in secret})


def _code(path: Path) -> Iterator[str]:
    """The code cells of a page or a notebook."""
    if path.suffix not in (".md", ".ipynb"):
        return
    try:
        notebook = jupytext.read(path)
    except Exception:  # a page that is no notebook has no code that runs
        return
    for cell in notebook.cells:
        if cell.cell_type == "code":
            yield cell.source


def _open(source: str, subject: Subject) -> str:
    """A cell without its secret regions."""
    for begin, end in subject.regions:
        source = without_region(source, begin, end)
    return source


def _numbers(text: str) -> Iterator[str]:
    """Decimal numbers with enough digits to be no coincidence."""
    for found in _NUMBER.findall(text):
        digits = re.sub(r"[eE].*|\D", "", found).lstrip("0")
        if len(digits) >= DIGITS:
            yield found


def _values(where: str, shown: Iterable[str], hidden: list[float]) -> list[str]:
    """Sentences about numbers in `shown` that stand in the sorted `hidden`, as far as written."""
    found = []
    for text in sorted(shown):
        mantissa, _, exponent = text.lower().partition("e")
        half = 0.5 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
        value = float(text)
        at = bisect.bisect_left(hidden, value - half)
        if at < len(hidden) and hidden[at] <= value + half:
            found.append(f"{where} shows a value that a hidden test expects ({text}).")
    return found
