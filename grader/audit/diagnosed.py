"""Which misconceptions the grader calls by name when they are handed in."""

from __future__ import annotations

import copy
import hashlib
import json
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

import nbformat
from nbgrader.utils import is_solution

from grader.audit.pool import Store
from grader.audit.protocol import grading_digest, grading_settings
from grader.audit.subject import Subject
from grader.audit.variants import Step, apply_variant
from grader.course import Course
from grader.farm.preload import imported_modules
from grader.release import NotebookTemplate, TemplateCell
from grader.release.catalogue import Variant
from grader.sandbox import SandboxMode, SandboxPolicy
from grader.split import place_files, run_notebook


def diagnose(
    course: Course, subject: Subject, store: Store, workers: int, done: Callable[[], object]
) -> dict[str, str]:
    """What the grader calls each misconception, "" where it finds no name for it.

    Each is handed in alone, in the reference notebook, and runs over two isolated kernels as a
    student's notebook does, up to the tests of its own step and without those of the others.
    Nothing is read from or written to a gradebook.

    Args:
        course: whose limits, isolation and parameters hold.
        subject: the reference and its catalogue.
        store: keeps the names; only misconceptions that it does not know are run.
        workers: how many run at once, each in a process of its own.
        done: called after each.

    Raises:
        SandboxError: the kernels could not be started.
    """
    wrong = subject.of_kind("misconception")
    keys = {variant.name: _key(course, subject, variant) for variant in wrong}
    missing = [variant for variant in wrong if store.get(keys[variant.name]) is None]
    for _ in range(len(wrong) - len(missing)):
        done()
    if missing:
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_ignore_interrupts)
        try:
            running: dict[Future[str], str] = {
                pool.submit(_hand_in, course.root, subject, variant): variant.name
                for variant in missing
            }
            for future in as_completed(running):
                store.put(keys[running[future]], {"diagnosed": future.result()})
                done()
        finally:
            pool.shutdown(cancel_futures=True)
    return {name: (store.get(key) or {"diagnosed": ""})["diagnosed"] for name, key in keys.items()}


def _ignore_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal; the one that started this one tidies up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _hand_in(root: Path, subject: Subject, variant: Variant) -> str:
    course = Course(root)
    step = subject.step_of(variant.function)
    notebook = _only(step, apply_variant(subject.notebook, variant))
    template = _template(subject)
    policy = SandboxPolicy(limits=course.limits, hidden=(course.root, Path.home()))
    parameters = dict(course.settings.parameters)
    mode = SandboxMode(course.settings.sandbox)
    with place_files({}, subject.data) as files:
        warm = replace(policy, files=files, preload=imported_modules(template.imports))
        result = run_notebook(subject.name, notebook, warm, mode, parameters, template)
    tests = [test for test in result.tests if test.grade_id in step.test_ids]
    return next((test.diagnosis.name for test in tests if test.diagnosis is not None), "")


def _key(course: Course, subject: Subject, variant: Variant) -> str:
    """Changes with anything that could change what a misconception is called."""
    said = [
        "diagnosed",
        grading_digest(),
        grading_settings(course),
        subject.data_digest,
        [[cell.metadata.get("nbgrader"), cell.source] for cell in subject.notebook.cells],
        [[other.name, other.source] for other in subject.of_kind("misconception")],
        variant.name,
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


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
