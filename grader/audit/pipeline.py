"""Grades versions of an assignment as submissions are graded, to compare with the quick runs.

An audit runs thousands of versions in processes of its own. That what it finds also holds for
students is proven here: a few versions are released, handed in, cleaned and run over two isolated
kernels by the farm, in a course that exists only meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from grader.audit.pool import Store
from grader.audit.protocol import grading_digest, grading_settings
from grader.audit.sample_class import answered
from grader.audit.subject import Subject
from grader.course import CONFIG_NAME, Course
from grader.errors import CourseError
from grader.farm import SubmissionRecord, grade
from grader.release import release_assignment
from grader.split import Outcome, TestResult


@dataclass(frozen=True)
class Version:
    """A version of the notebook, and the points of each test in its quick run."""

    name: str
    notebook: NotebookNode
    points: Mapping[str, float]


def compare(
    course: Course,
    subject: Subject,
    versions: list[Version],
    store: Store,
    workers: int,
    done: Callable[[], object],
) -> list[str]:
    """Sentences about versions that earn something else when they are graded.

    Args:
        course: whose limits, parameters and isolation hold.
        subject: the reference.
        versions: what to grade.
        store: keeps points; only versions that it does not know are graded.
        workers: how many at once.
        done: called after each.

    Raises:
        SandboxUnavailable: code cannot be isolated here.
        GraderError: the farm failed.
    """
    keys = {version.name: _key(course, version, subject) for version in versions}
    missing = [version for version in versions if store.get(keys[version.name]) is None]
    for _ in range(len(versions) - len(missing)):
        done()
    if missing:
        for name, points in _graded(course, subject, missing, workers, done).items():
            store.put(keys[name], {"points": points})
    found = []
    for version in versions:
        points = (store.get(keys[version.name]) or {"points": {}})["points"]
        for test, earned in version.points.items():
            if points.get(test) != earned:
                graded = "none" if points.get(test) is None else f"{points[test]:g}"
                found.append(
                    f"{version.name} earns {earned:g} of the points of {test} in the audit's own "
                    f"run, but {graded} when it is graded."
                )
    return found


def _graded(
    course: Course,
    subject: Subject,
    versions: list[Version],
    workers: int,
    done: Callable[[], object],
) -> dict[str, dict[str, float | None]]:
    found = {}

    def take(record: SubmissionRecord) -> None:
        found[record.student] = _points(subject, record)
        done()

    with _released(course, subject) as there:
        file = there.path("release", subject.name) / f"{subject.name}.ipynb"
        released = nbformat.read(file, as_version=4)
        for version in versions:
            target = there.path("submitted", subject.name, version.name) / file.name
            target.parent.mkdir(parents=True)
            nbformat.write(answered(released, version.notebook), target)
        grade(there, subject.name, workers=workers, on_record=take)
    return found


@contextmanager
def _released(course: Course, subject: Subject) -> Iterator[Course]:
    """A course with the settings of `course` and nothing but the notebook, released."""
    with tempfile.TemporaryDirectory(prefix="grader-audit-") as name:
        root = Path(name)
        settings = "".join(f"c.Grader.{k} = {v!r}\n" for k, v in grading_settings(course).items())
        text = f'"""Made by grader audit."""\n\nc = get_config()\n{settings}'
        (root / CONFIG_NAME).write_text(text, encoding="utf-8")
        source = root / "source" / subject.name
        source.mkdir(parents=True)
        for path, content in subject.data.items():
            target = source / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        nbformat.write(subject.notebook, source / f"{subject.name}.ipynb")
        there = Course(root)
        release_assignment(there, subject.name)
        yield there


def _points(subject: Subject, record: SubmissionRecord) -> dict[str, float | None]:
    if record.fault:
        raise CourseError(f"The audit could not grade a version of {subject.name}: {record.fault}")
    full = {
        cell.metadata.nbgrader.grade_id: float(cell.metadata.nbgrader.get("points", 0))
        for cell in subject.notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    }
    return {test.grade_id: _earned(test, full) for test in record.results[0].tests}


def _earned(test: TestResult, full: Mapping[str, float]) -> float | None:
    if test.outcome is Outcome.GRADER_FAULT:
        return None
    if test.outcome is not Outcome.PASSED:
        return 0.0
    points = full.get(test.grade_id, 0.0)
    return points if test.partial is None else min(points, test.partial)


def _key(course: Course, version: Version, subject: Subject) -> str:
    """Changes with anything that could change how a version is graded."""
    said = [
        grading_digest(),
        subject.data_digest,
        grading_settings(course),
        [[cell.metadata.get("nbgrader"), cell.source] for cell in version.notebook.cells],
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()
