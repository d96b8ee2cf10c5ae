"""The work on one submission, as a task that carries all it needs.

A job and its record are plain JSON data plus bytes, so that a worker needs no shared file system.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from grader.course import Assignment, Course, Limits, Submission
from grader.errors import CourseError, FarmError, GraderError, SandboxError, SandboxLost
from grader.farm.device import CPU, CUDA, asks_for_device, cuda_policy
from grader.farm.environment import environment_digest
from grader.farm.preload import preload_of
from grader.farm.store import SubmissionRecord
from grader.intake import CleanNotebook, SubmittedFiles, clean_notebook, read_submission
from grader.release import AssignmentTemplate, load_template
from grader.sandbox import DataFile, SandboxMode, SandboxPolicy, examine_host
from grader.split import (
    NotebookResult,
    Outcome,
    TestResult,
    place_files,
    run_notebook,
    unrun_result,
)

_BUSY = 0.7
"""Share of its time that a test which computes has a processor, where it does not wait for one."""
_CROWD = 1.5
"""Processes that want to run, for each core, on a machine that has too much to do."""
_AGAIN = 3
"""How often a notebook is started afresh whose sandbox was ended from outside."""


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
        device: "cpu", or "cuda" for a worker with a graphics card.
        environment: hash of Python and its packages, which every worker must share.
        preload: modules that kernels are forked with; None for cold starts.
    """

    template: AssignmentTemplate
    data_files: Mapping[str, bytes]
    limits: Limits
    sandbox: SandboxMode
    parameters: Mapping[str, Any]
    hidden: tuple[Path, ...] = ()
    device: str = CPU
    environment: str = ""
    preload: tuple[str, ...] | None = None

    @cached_property
    def digest(self) -> bytes:
        """Changes with anything here that could change a record."""
        settings = [
            self.template.to_json(),
            asdict(self.limits),
            self.sandbox.value,
            dict(self.parameters),
            self.device,
        ]
        digest = hashlib.sha256(self.environment.encode())
        digest.update(json.dumps(settings, sort_keys=True, default=str).encode())
        _add_files(digest, self.data_files)
        return digest.digest()


def conditions_of(
    course: Course,
    assignment: str,
    sandbox: SandboxMode | None = None,
    device: str | None = None,
) -> Conditions:
    """What every submission of `assignment` is graded under.

    Args:
        course: the course.
        assignment: name of a released assignment.
        sandbox: how student code is isolated; None means what the course says.
        device: "cpu" or "cuda"; None means what the course says. An assignment whose notebooks
            have no parameter DEVICE does not ask for a graphics card, and runs without.

    Raises:
        CourseError: the assignment is not released.
        SandboxUnavailable: student code cannot be isolated here.
    """
    mode = sandbox or SandboxMode(course.settings.sandbox)
    if mode is SandboxMode.BUBBLEWRAP:
        examine_host()
    template = load_template(course, course.require(assignment))
    parameters = dict(course.settings.parameters)
    wanted = course.settings.device if device is None else device
    chosen = CUDA if wanted == CUDA and asks_for_device(template) else CPU
    if chosen == CUDA:
        parameters["DEVICE"] = CUDA
    return Conditions(
        template,
        read_data_files(course.assignment(assignment)),
        course.limits,
        mode,
        parameters,
        hidden=(course.root, *exchange_of(course)),
        device=chosen,
        environment=environment_digest(),
        preload=preload_of(course, template),
    )


def exchange_of(course: Course) -> tuple[Path, ...]:
    """Where the course's exchange lies, if it says so: other students' submissions are there."""
    root = course.config.get("Exchange", {}).get("root", "")
    return (Path(root),) if isinstance(root, str) and root else ()


@dataclass(frozen=True)
class Job:
    """One submission to grade.

    Attributes:
        student: whose it is.
        key: changes with anything that could change the record.
        submitted: the submission's bytes.
        conditions: what it shares with the others.
        handed_in: hash of what the student handed in, and of nothing else.
    """

    student: str
    key: str
    submitted: SubmittedFiles
    conditions: Conditions
    handed_in: str = ""


def read_job(conditions: Conditions, submission: Submission) -> Job:
    """Read one submission from disk and name what its record depends on."""
    names = list(conditions.template.notebooks)
    submitted = read_submission(submission, names, conditions.limits)
    handed_in = hashlib.sha256(submitted.timestamp.encode())
    _add_files(handed_in, submitted.notebooks)
    _add_files(handed_in, submitted.files)
    digest = hashlib.sha256(conditions.digest + handed_in.digest())
    notes = [submitted.unusable, submitted.problems]
    digest.update(json.dumps(notes, sort_keys=True).encode())
    return Job(submission.student, digest.hexdigest(), submitted, conditions, handed_in.hexdigest())


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

    Never raises for anything that the student did. Whatever goes wrong with a submission becomes
    a record with a fault: one broken machine, or one file that breaks what reads it, does not
    lose the results of others.

    Raises:
        FarmError: the worker runs another Python, other packages or another grader than the
            client, so that its scores could differ.
    """
    if job.conditions.environment not in ("", environment_digest()):
        raise FarmError(
            f"The worker on {platform.node()} has not the same Python, packages and grader as this "
            "machine: install what requirements.txt pins on both."
        )
    try:
        return _grade(job)
    except Exception as error:
        return fault_record(job, describe(error))


def _grade(job: Job) -> SubmissionRecord:
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
        handed_in=job.handed_in,
        finished=round(time.time(), 3),
        worker=platform.node(),
        crowded=any(_is_crowded(test, job.conditions.limits) for r in results for test in r.tests),
    )


def _is_crowded(test: TestResult, limits: Limits) -> bool:
    """Whether a test may have run out of time for want of a processor.

    An endless loop has used nearly all the time that it was given; a long sleep has not, but does
    not make a machine busy.
    """
    if test.outcome is not Outcome.TIMED_OUT or test.cpu > _BUSY * limits.cell_timeout:
        return False
    return os.getloadavg()[0] > _CROWD * (os.cpu_count() or 1)


def describe(error: BaseException) -> str:
    """Why a submission has no outcome, as one sentence."""
    if isinstance(error, GraderError):
        return str(error)
    return f"The grader failed on this submission: {' '.join(repr(error).split())}"[:300]


def fault_record(job: Job, reason: str) -> SubmissionRecord:
    """The record of a submission that could not be graded through no fault of the student's.

    What was handed in is not looked at again, since it may be what failed.
    """
    results = []
    for name, template in job.conditions.template.notebooks.items():
        released = clean_notebook(None, template).notebook
        results.append(unrun_result(name, released, reason, Outcome.GRADER_FAULT))
    return SubmissionRecord(
        job.student,
        job.conditions.template.name,
        job.key,
        tuple(results),
        {},
        {},
        fault=reason,
        handed_in=job.handed_in,
        finished=round(time.time(), 3),
    )


def deadline(conditions: Conditions) -> float:
    """Seconds that no submission takes, however slow the machine: several times all its limits.

    A worker that is not back by then hangs in what a student wrote.
    """
    tests = sum(len(each.tests) for each in conditions.template.notebooks.values())
    runs = len(conditions.template.notebooks) * (_AGAIN + 1)
    return 300 + runs * (conditions.limits.notebook_timeout + 60) + 60 * tests


def _run(job: Job, clean: CleanNotebook, files: tuple[DataFile, ...]) -> NotebookResult:
    shared = job.conditions
    policy = SandboxPolicy(
        limits=shared.limits,
        files=files,
        hidden=(*shared.hidden, Path.home()),
        preload=shared.preload,
    )
    if shared.device == CUDA:
        policy = cuda_policy(policy)

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

    for _ in range(_AGAIN):
        try:
            result = run()
        except SandboxLost:
            continue
        # where nothing explains an end, the reason may be ours, such as a full machine
        return run() if result.unexplained else result
    return run()
