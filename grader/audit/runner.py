"""Runs a notebook's cells in this process and counts points: no kernel, no nbgrader.

It trusts the code that it runs, so it is for the instructor's own sources. `grader.audit.worker`
calls it in a process of its own for every version of a notebook.
"""

from __future__ import annotations

import ast
import contextlib
import io
import resource
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Literal

from nbformat import NotebookNode

from grader.audit.altered import Altered

Role = Literal["parameters", "instructor", "student", "test"]


@dataclass(frozen=True)
class Cell:
    """One code cell: its grade_id ("" where it has none), whose it is, and its points."""

    grade_id: str
    role: Role
    source: str
    points: float = 0.0


@dataclass
class Run:
    """What one run of a notebook earned. Keys are grade_ids of test cells.

    Attributes:
        seed: the value that SEED had; None for the notebook's own.
        points: of every test that was asked for; 0 where it did not pass.
        errors: the exception in one line, of every test that raised.
        failures: the same of other cells, by grade_id or else by their number.
        seconds: CPU time of the test and of the solution cells right before it.
        memory: by how many bytes the process grew at most in these cells; 0 where unknown.
        slowest: CPU time of the slowest cell.
        compared: with `watch`, the numbers that each test expected.
        altered: with `watch`, the instructor's values that changed in place while a solution cell
            or a test ran, by its grade_id.
    """

    seed: int | None
    points: dict[str, float]
    errors: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    slowest: float = 0.0
    compared: dict[str, list[float]] = field(default_factory=dict)
    altered: dict[str, list[str]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data; `Run(**data)` is the inverse."""
        return asdict(self)


class CellTimeout(BaseException):
    """A cell ran for too long. Not an Exception, so that no cell catches it by accident."""


def cells_of(notebook: NotebookNode) -> tuple[Cell, ...]:
    """The code cells of a notebook with what a run needs to know of them."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        settings = cell.metadata.get("nbgrader", {})
        role: Role = "instructor"
        if "parameters" in cell.metadata.get("tags", []):
            role = "parameters"
        elif settings.get("solution"):
            role = "student"
        elif settings.get("grade"):
            role = "test"
        points = float(settings.get("points", 0.0))
        found.append(Cell(settings.get("grade_id", ""), role, cell.source, points))
    return tuple(found)


def run_cells(
    cells: Collection[Cell],
    tests: Collection[str],
    *,
    seed: int | None,
    parameters: Mapping[str, Any] | None = None,
    cell_limit: float = 20.0,
    watch: bool = False,
) -> Run:
    """Run `cells` in a namespace of their own, up to the last test that is asked for.

    As in a graded notebook, an exception ends its cell only. A test whose last expression is a
    number earns that many points, which is nbgrader's partial credit.

    Args:
        cells: a notebook's, in order.
        tests: grade_ids of the tests to run; others are left out.
        seed: the value of SEED after the cell tagged `parameters`; None leaves it.
        parameters: other names to set there.
        cell_limit: seconds of CPU time for one cell.
        watch: take down which numbers the tests expect, and what changes in place.
    """
    result = Run(seed, {cell.grade_id: 0.0 for cell in cells if cell.grade_id in tests})
    namespace: dict[str, Any] = {"__name__": "__main__"}
    waiting = set(tests)
    spent, grown = 0.0, 0
    altered = Altered()
    for number, cell in enumerate(cells, 1):
        if not waiting:
            break
        if cell.role == "test" and cell.grade_id not in waiting:
            continue
        watched = _watch(namespace) if watch and cell.role == "test" else []
        names = dict(namespace) if watch else {}
        if watch and cell.role in ("student", "test"):
            altered.look()
        before = _reset_peak()
        started = time.process_time()
        error, value = _run(cell, namespace, cell_limit)
        took = time.process_time() - started
        result.slowest = max(result.slowest, took)
        if cell.role in ("student", "test"):
            spent, grown = spent + took, max(grown, _peak() - before)
        if cell.role == "parameters":
            namespace |= dict(parameters or {}) | ({} if seed is None else {"SEED": seed})
        if watch and cell.role in ("instructor", "parameters"):
            altered.take(names, namespace)
        elif watch:
            result.altered[cell.grade_id] = altered.changed(namespace)
        if cell.role == "test":
            waiting.discard(cell.grade_id)
            if error:
                result.errors[cell.grade_id] = error
            else:
                result.points[cell.grade_id] = _earned(cell, value)
            result.seconds[cell.grade_id], result.memory[cell.grade_id] = spent, grown
            if watch:
                result.compared[cell.grade_id] = _numbers(watched)
            spent, grown = 0.0, 0
        elif error:
            result.failures[cell.grade_id or f"number {number}"] = error
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
    return result


def _earned(cell: Cell, value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return min(cell.points, float(value)) if is_number else cell.points


def _run(cell: Cell, namespace: dict[str, Any], limit: float) -> tuple[str, Any]:
    """Run a cell; return what it raised in one line, and the value of its last expression."""
    quiet = contextlib.redirect_stdout(io.StringIO())
    try:
        body, last = _compile(cell, namespace)
        with _time_limit(limit), quiet, contextlib.redirect_stderr(io.StringIO()):
            exec(body, namespace)  # noqa: S102  (the instructor's code)
            return "", eval(last, namespace) if last is not None else None  # noqa: S307
    except (Exception, SystemExit, CellTimeout) as error:
        return " ".join(f"{type(error).__name__}: {error}".split()), None


def _compile(cell: Cell, namespace: dict[str, Any]) -> tuple[CodeType, CodeType | None]:
    name = f"<{cell.grade_id or 'a cell without grade_id'}>"
    try:
        tree = ast.parse(cell.source, name)
    except SyntaxError:
        # magics such as %matplotlib; imported here because few notebooks of tests have any
        from IPython.core.inputtransformer2 import TransformerManager

        from grader.audit.shell import shell

        namespace["get_ipython"] = shell
        plain = TransformerManager().transform_cell(cell.source)  # type: ignore[no-untyped-call]
        tree = ast.parse(plain, name)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = compile(ast.Expression(tree.body.pop().value), name, "eval")  # type: ignore[attr-defined]
    return compile(tree, name, "exec"), last


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise CellTimeout(f"it ran longer than {seconds:.3g} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _watch(namespace: dict[str, Any]) -> list[Any]:
    """Let the notebook's `assert_close` also put down what it expects; returns that list."""
    expected: list[Any] = []
    checker = namespace.get("assert_close")
    if not callable(checker):
        return expected
    original: Callable[..., Any] = getattr(checker, "watched", checker)

    def assert_close(got: Any, wanted: Any, **options: Any) -> Any:
        expected.append(wanted)
        return original(got, wanted, **options)

    assert_close.watched = original  # type: ignore[attr-defined]
    namespace["assert_close"] = assert_close
    return expected


def _numbers(values: Any) -> list[float]:
    """The distinct numbers in nested containers, arrays and tensors."""
    if isinstance(values, list | tuple):
        return sorted({number for value in values for number in _numbers(value)})
    if isinstance(values, dict):
        return _numbers(list(values.values()))
    if hasattr(values, "detach"):
        values = values.detach().cpu().double().numpy()
    if hasattr(values, "tolist"):
        return _numbers(values.tolist())
    is_number = isinstance(values, int | float) and not isinstance(values, bool)
    return [float(values)] if is_number else []


def _reset_peak() -> int:
    """Start measuring anew how large this process grows; returns how large it is, in bytes."""
    # an older kernel or another system: the highest size since the start is all there is
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    with contextlib.suppress(OSError, StopIteration):
        status = Path("/proc/self/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
