"""A student's own check: the visible tests of one notebook, run as the grader would run them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.utils import compute_checksum, is_locked

from grader.course import Limits, Submission
from grader.errors import IntakeError
from grader.intake import clean_notebook, read_submission
from grader.intake.parse import Unreadable, parse_cells
from grader.release import NotebookTemplate, TemplateCell
from grader.sandbox import SandboxMode, SandboxPolicy
from grader.split.files import place_files
from grader.split.outcomes import NotebookResult, Outcome
from grader.split.run import run_notebook


@dataclass(frozen=True)
class CheckResult:
    """What a student's own check found.

    Attributes:
        problems: sentences about cells that were changed, doubled or the like.
        result: the outcome of each visible test.
    """

    problems: tuple[str, ...]
    result: NotebookResult

    @property
    def passed(self) -> bool:
        """Whether every visible test passed."""
        return all(test.outcome is Outcome.PASSED for test in self.result.tests)


def check_notebook(path: Path, sandbox: SandboxMode) -> CheckResult:
    """Run the visible tests of the notebook at `path`, in a fresh kernel, from top to bottom.

    Raises:
        IntakeError: there is no such file, it is no notebook, or it has no tests.
        SandboxError: the kernel could not be started.
    """
    limits = Limits()
    files = read_submission(Submission("you", path.stem, path.parent), [path.stem], limits)
    if reason := files.unusable.get(path.stem):
        raise IntakeError(reason)
    raw = files.notebooks.get(path.stem)
    if raw is None or path.suffix != ".ipynb":
        raise IntakeError(f"There is no notebook at {path}: name the .ipynb file to check.")
    try:
        parse_cells(raw)
        template, changed = _own_template(path.stem, raw)
    except Unreadable as error:
        raise IntakeError(f"{path}: {error}") from None
    except Exception as error:  # of what metadata a file may hold, any part can be odd
        raise IntakeError(
            f"{path} cannot be used ({type(error).__name__}: {error}): copy your answers into a "
            "fresh copy of the assignment."
        ) from None
    if not template.tests:
        raise IntakeError(f"{path} has no test cells: it is not a released assignment.")
    clean = clean_notebook(raw, template)
    with place_files(files.files, {}) as placed:
        policy = SandboxPolicy(limits=limits, files=placed)
        result = run_notebook(path.stem, clean.notebook, policy, sandbox)
    return CheckResult((*changed, *clean.problems), result)


def _own_template(name: str, raw: bytes) -> tuple[NotebookTemplate, tuple[str, ...]]:
    """A notebook's own instructor cells, and sentences about those whose checksum is wrong."""
    notebook = nbformat.convert(nbformat.reader.reads(raw.decode("utf-8-sig")), 4)
    cells: dict[str, TemplateCell] = {}
    changed = []
    for cell in notebook.cells:
        mark = cell.metadata.get("nbgrader")
        if not isinstance(mark, dict) or not mark.get("grade_id"):
            continue
        grade_id = str(mark["grade_id"])
        cells[grade_id] = TemplateCell.of(cell)
        if is_locked(cell) and mark.get("checksum") not in (None, compute_checksum(cell)):
            changed.append(
                f"You changed the cell {grade_id}, which belongs to the assignment; "
                "grading uses the original."
            )
    kernelspec = dict(notebook.metadata.get("kernelspec", {}))
    return NotebookTemplate(name, tuple(cells.values()), kernelspec), tuple(changed)
