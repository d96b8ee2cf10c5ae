"""How many of an assignment's misconceptions the grader calls by name when they are handed in."""

from __future__ import annotations

import copy
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import nbformat
from nbgrader.utils import is_solution

from grader.audit.subject import Subject, read_subjects
from grader.audit.variants import Step, Variant, apply_variant
from grader.course import Course
from grader.farm.preload import imported_modules
from grader.release import NotebookTemplate, TemplateCell
from grader.sandbox import SandboxMode, SandboxPolicy
from grader.split import place_files, run_notebook


@dataclass(frozen=True)
class Named:
    """One misconception that was handed in.

    Attributes:
        name: of the catalogue.
        step: the grade_id of the solution cell that holds it.
        lost: its test noticed it.
        diagnosed: the name that the grader gave; "" for none.
    """

    name: str
    step: str
    lost: bool
    diagnosed: str

    @property
    def right(self) -> bool:
        """Whether the feedback shows its own sentence."""
        return self.diagnosed == self.name


@dataclass(frozen=True)
class DiagnosisRate:
    """All misconceptions of an assignment, in the order of its catalogue."""

    found: tuple[Named, ...]

    @property
    def rate(self) -> float:
        """Part of them that was called by its own name, 0 to 1; 1 where there are none."""
        return sum(each.right for each in self.found) / len(self.found) if self.found else 1.0


def diagnosis_rate(
    course: Course,
    assignment: str,
    *,
    workers: int = 1,
    done: Callable[[Named], object] = lambda found: None,
) -> DiagnosisRate:
    """Hand in each misconception of `assignment`, one at a time, in the reference notebook.

    Each runs over two isolated kernels as a student's notebook does, up to the tests of its own
    step and without those of the others. Nothing is read from or written to a gradebook.

    Args:
        course: whose limits, isolation and parameters hold.
        assignment: its name; the assignment need not be released.
        workers: how many notebooks run at once, each in a process of its own.
        done: called with each result, in the order of the catalogue.

    Raises:
        CourseError: there is no such assignment, or its catalogue is broken.
        ReleaseError: its text source is malformed.
        SandboxError: the kernels could not be started.
    """
    context = multiprocessing.get_context("spawn")
    found = []
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        for subject in read_subjects(course, assignment):
            mode = SandboxMode(course.settings.sandbox)
            limits, parameters = course.limits, course.settings.parameters
            policy = SandboxPolicy(limits=limits, hidden=(course.root, Path.home()))
            hand_in = partial(_hand_in, subject, policy, mode, dict(parameters))
            for named in pool.map(hand_in, subject.of_kind("misconception")):
                done(named)
                found.append(named)
    return DiagnosisRate(tuple(found))


def _hand_in(
    subject: Subject,
    policy: SandboxPolicy,
    mode: SandboxMode,
    parameters: dict[str, object],
    variant: Variant,
) -> Named:
    step = subject.step_of(variant.function)
    notebook = _only(step, apply_variant(subject.notebook, variant))
    template = _template(subject)
    with place_files({}, subject.data) as files:
        warm = replace(policy, files=files, preload=imported_modules(template.imports))
        result = run_notebook(subject.name, notebook, warm, mode, parameters, template)
    tests = [test for test in result.tests if test.grade_id in step.test_ids]
    names = [test.diagnosis.name for test in tests if test.diagnosis is not None]
    lost = any(test.outcome != "passed" for test in tests)
    return Named(variant.name, step.solution_id, lost, names[0] if names else "")


def _template(subject: Subject) -> NotebookTemplate:
    cells = [cell for cell in subject.notebook.cells if is_solution(cell)]
    bare = NotebookTemplate(subject.name, tuple(map(TemplateCell.of, cells)), {})
    return bare.informed(subject.notebook.cells, subject.of_kind("misconception"))


def _only(step: Step, notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook up to the last test of `step`, without the tests of other steps."""
    kept = copy.deepcopy(notebook)
    kept.cells = list(_cells_of(step, notebook))
    return kept


def _cells_of(step: Step, notebook: nbformat.NotebookNode) -> Iterator[nbformat.NotebookNode]:
    for cell in notebook.cells:
        mark = cell.metadata.get("nbgrader", {})
        if not mark.get("grade") or mark["grade_id"] in step.test_ids:
            yield cell
        if mark.get("grade_id") == step.test_ids[-1]:
            return
