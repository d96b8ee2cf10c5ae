"""The work on one submission, as a task that carries all it needs.

A job and its record are plain JSON data plus bytes, so that a worker needs no shared file system.
"""

from __future__ import annotations

import functools
import hashlib
import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import grader
from grader.course import Assignment, Limits, Submission
from grader.errors import CourseError, SandboxError
from grader.farm.store import SubmissionRecord
from grader.intake import CleanNotebook, SubmittedFiles, clean_notebook, read_submission
from grader.release import AssignmentTemplate
from grader.sandbox import DataFile, SandboxMode, SandboxPolicy
from grader.split import NotebookResult, Outcome, place_files, run_notebook, unrun_result


@dataclass(frozen=True)
class Conditions:
    """What all submissions of one run have in common.

    Attributes:
        template: the instructor version.
        data_files: the instructor's data files, by relative path; they win over submitted ones.
        limits: what each notebook may use.
        sandbox: how student code is isolated.
        parameters: papermill parameters.
        hidden: folders that no sandbox may show, even where Python is installed inside them.
    """

    template: AssignmentTemplate
    data_files: Mapping[str, bytes]
    limits: Limits
    sandbox: SandboxMode
    parameters: Mapping[str, Any]
    hidden: tuple[Path, ...] = ()

    @cached_property
    def digest(self) -> bytes:
        """Changes with anything here, and with the environment."""
        settings = [
            self.template.to_json(),
            asdict(self.limits),
            self.sandbox.value,
            dict(self.parameters),
        ]
        digest = hashlib.sha256(_environment().encode())
        digest.update(json.dumps(settings, sort_keys=True, default=str).encode())
        _add_files(digest, self.data_files)
        return digest.digest()


@dataclass(frozen=True)
class Job:
    """One submission to grade.

    Attributes:
        student: whose it is.
        key: changes with anything that could change the record.
        submitted: the submission's bytes.
        conditions: what it shares with the others.
    """

    student: str
    key: str
    submitted: SubmittedFiles
    conditions: Conditions


def read_job(conditions: Conditions, submission: Submission) -> Job:
    """Read one submission from disk and name what its record depends on."""
    names = list(conditions.template.notebooks)
    submitted = read_submission(submission, names, conditions.limits)
    digest = hashlib.sha256(conditions.digest)
    notes = [submitted.unusable, submitted.problems, submitted.timestamp]
    digest.update(json.dumps(notes, sort_keys=True).encode())
    _add_files(digest, submitted.notebooks)
    _add_files(digest, submitted.files)
    return Job(submission.student, digest.hexdigest(), submitted, conditions)


def _add_files(digest: hashlib._Hash, files: Mapping[str, bytes]) -> None:
    digest.update(f"{len(files)} files\0".encode())
    for name, data in sorted(files.items()):
        digest.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
        digest.update(data)


def read_data_files(assignment: Assignment) -> dict[str, bytes]:
    """The instructor's data files, by path relative to the assignment.

    Raises:
        CourseError: one of them cannot be read.
    """
    try:
        return {
            path.relative_to(assignment.source).as_posix(): path.read_bytes()
            for path in assignment.data_files
        }
    except OSError as error:
        raise CourseError(
            f"The data file {error.filename} cannot be read: {error.strerror}."
        ) from None


def grade_job(job: Job) -> SubmissionRecord:
    """Clean and run every notebook of one submission. Called by a worker.

    Never raises for anything that the student did. A `SandboxError` becomes a record with a
    fault, so that one broken machine does not lose the results of others.
    """
    results: list[NotebookResult] = []
    problems: dict[str, tuple[str, ...]] = {"": job.submitted.problems}
    unreadable: dict[str, str] = {}
    fault = ""
    with place_files(job.submitted.files, job.conditions.data_files) as files:
        for name, template in job.conditions.template.notebooks.items():
            clean = clean_notebook(
                job.submitted.notebooks.get(name),
                template,
                unreadable=job.submitted.unusable.get(name, ""),
            )
            problems[name] = clean.problems
            if clean.unreadable:
                unreadable[name] = clean.unreadable
                results.append(unrun_result(name, clean.notebook, clean.unreadable))
                continue
            try:
                results.append(_run(job, clean, files))
            except SandboxError as error:
                fault = fault or str(error)
                outcome = Outcome.GRADER_FAULT
                results.append(unrun_result(name, clean.notebook, str(error), outcome))
    return SubmissionRecord(
        job.student,
        job.conditions.template.name,
        job.key,
        tuple(results),
        {name: found for name, found in problems.items() if found},
        unreadable,
        job.submitted.timestamp,
        fault,
    )


def fault_record(job: Job, reason: str) -> SubmissionRecord:
    """The record of a submission that could not be graded through no fault of the student's."""
    results = []
    for name, template in job.conditions.template.notebooks.items():
        clean = clean_notebook(job.submitted.notebooks.get(name), template)
        results.append(unrun_result(name, clean.notebook, reason, Outcome.GRADER_FAULT))
    return SubmissionRecord(
        job.student, job.conditions.template.name, job.key, tuple(results), {}, {}, fault=reason
    )


def _run(job: Job, clean: CleanNotebook, files: tuple[DataFile, ...]) -> NotebookResult:
    shared = job.conditions
    policy = SandboxPolicy(limits=shared.limits, files=files, hidden=(*shared.hidden, Path.home()))

    def run() -> NotebookResult:
        return run_notebook(
            clean.name,
            clean.notebook,
            policy,
            shared.sandbox,
            shared.parameters,
            shared.template.notebooks[clean.name],
            shared.data_files.keys(),
        )

    result = run()
    return run() if result.unexplained else result  # the reason may be ours, such as a full machine


@functools.cache
def _environment() -> str:
    """Python, every installed distribution with its version, and the grader's own source."""
    installed = sorted({f"{d.name}=={d.version}" for d in distributions()})
    package = Path(grader.__file__).parent
    source = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        if "tests" not in path.relative_to(package).parts:
            source.update(path.read_bytes())
    return json.dumps([sys.version, platform.machine(), source.hexdigest(), *installed])
