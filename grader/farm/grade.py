"""The main path of grading."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass

from grader.course import Course, Submission
from grader.errors import CourseError, Interrupted, UsageError
from grader.farm.cluster import Farm, open_farm
from grader.farm.device import CPU, CUDA
from grader.farm.interrupts import interrupts_noted
from grader.farm.job import (
    Conditions,
    Job,
    conditions_of,
    deadline,
    describe,
    fault_record,
    grade_job,
    read_job,
)
from grader.farm.scorer import Scorer
from grader.farm.store import ResultStore, SubmissionRecord
from grader.farm.tasks import run_tasks
from grader.intake import nothing_handed_in
from grader.sandbox import SandboxMode
from grader.scoring import GradebookWriter


@dataclass(frozen=True)
class GradeRun:
    """What `grade` did; the records are in the store, because a class of them fills the memory.

    Attributes:
        graded: how many submissions were run now.
        kept: how many were already stored.
        faults: whom a fault of ours kept from being graded, in order of student.
    """

    graded: int
    kept: int
    faults: tuple[str, ...]


def grade(
    course: Course,
    assignment: str,
    *,
    student: str | None = None,
    regrade: bool = False,
    changed_only: bool = False,
    workers: int | None = None,
    sandbox: SandboxMode | None = None,
    scheduler: str | None = None,
    device: str | None = None,
    dashboard: bool = False,
    on_start: Callable[[int, int], None] = lambda total, stored: None,
    on_farm: Callable[[Farm], None] = lambda farm: None,
    on_running: Callable[[int], None] = lambda running: None,
    on_record: Callable[[SubmissionRecord], None] = lambda record: None,
    work: Callable[[Job], SubmissionRecord] = grade_job,
) -> GradeRun:
    """Grade the submissions of one assignment and write the gradebook.

    Args:
        course: the course.
        assignment: name of a released assignment.
        student: grade this one only.
        regrade: run again what is stored.
        changed_only: keep what is stored though the assignment, a setting or the environment has
            changed since, as long as the student's own files have not.
        workers: submissions at once; None means what the course says.
        sandbox: how student code is isolated; None means what the course says.
        scheduler: address of a Dask cluster; "" for workers of our own, None for what the course
            says.
        device: "cpu" or "cuda", for assignments that ask for one; None for what the course says.
        dashboard: start Dask's dashboard, where the workers are our own.
        on_start: called once with the number of submissions and how many of them are stored.
        on_farm: called once when there are workers.
        on_running: called with the number of submissions that are with workers.
        on_record: called with each record, in order of completion.
        work: what a worker does with a job; a benchmark replays a recording.

    Raises:
        CourseError: the assignment is not released, or nothing was handed in.
        UsageError: options that do not fit together.
        SandboxUnavailable: student code cannot be isolated here.
        FarmError: there are no workers that could do it.
        ScoringError: the gradebook cannot be written; stored results stay.
        StorageError: results cannot be stored.
        Interrupted: the user stopped the run; stored results stay.
    """
    if regrade and changed_only:
        raise UsageError("--regrade runs all again, --changed-only only what changed: say one.")
    address = course.settings.scheduler if scheduler is None else scheduler
    if address and (workers is not None or dashboard):
        raise UsageError(
            f"--workers and --dashboard are for workers of the grader's own, not for {address}."
        )
    if device not in (None, CPU, CUDA):
        raise UsageError(f"There is no device {device!r}: say {CPU} or {CUDA}.")
    conditions = conditions_of(course, assignment, sandbox, device)
    submissions = list(course.submissions(assignment, student))
    if not submissions:
        raise CourseError(nothing_handed_in(course, assignment, student))
    store = ResultStore(course, assignment)
    stored = set() if regrade else _stored(store, conditions, submissions, changed_only)
    on_start(len(submissions), len(stored))
    waiting = [s for s in submissions if s.student not in stored]
    count = len(submissions) - len(stored)
    kept = len(stored)
    faults = []
    try:
        with (
            interrupts_noted() as stopped,
            store.claimed(),
            GradebookWriter(course, assignment) as writer,
        ):
            farm = open_farm(
                address,
                workers=course.settings.workers if workers is None else workers,
                at_most=count,
                device=conditions.device,
                dashboard=dashboard,
                stopped=stopped,
            )
            scorer = Scorer(writer, store, course.settings.gradebook_patience, stopped)
            for student in sorted(stored):
                if stopped():
                    raise KeyboardInterrupt
                if (old := store.load(student)) is not None:
                    scorer.score(old)
                    on_record(old)
            running = _run(conditions, waiting, work, farm, stopped, on_farm, on_running)
            with closing(running) as fresh:
                for record in fresh if count else ():  # no worker is started for none
                    store.save(record)
                    kept += 1
                    scorer.score(record)
                    on_record(record)
                    if record.fault:
                        faults.append(record.student)
            scorer.finish()
    except KeyboardInterrupt:
        raise Interrupted(
            f"Stopped: {kept} of {len(submissions)} submissions are graded and kept. "
            "Run the same command to grade the rest."
        ) from None
    return GradeRun(count, len(stored), tuple(sorted(faults)))


def _stored(
    store: ResultStore,
    conditions: Conditions,
    submissions: Iterable[Submission],
    changed_only: bool,
) -> set[str]:
    """Whose records are still true and are not a fault of ours."""
    found = set()
    for submission in submissions:
        record = store.load(submission.student)
        if record is None or record.fault:
            continue
        job = read_job(conditions, submission)
        same = record.handed_in == job.handed_in if changed_only else record.key == job.key
        if same:
            found.add(submission.student)
    return found


def _run(
    conditions: Conditions,
    submissions: Sequence[Submission],
    work: Callable[[Job], SubmissionRecord],
    opened: AbstractContextManager[Farm],
    stopped: Callable[[], bool],
    on_farm: Callable[[Farm], None],
    on_running: Callable[[int], None],
) -> Generator[SubmissionRecord]:
    """Records of submissions, as the workers of a farm finish them.

    Whose tests ran out of time on a crowded machine is run again at the end, one by one.
    """
    crowded: set[str] = set()
    with opened as farm:
        on_farm(farm)
        for most in (None, 1):
            chosen = (
                submissions if most is None else [s for s in submissions if s.student in crowded]
            )
            outcomes = run_tasks(
                farm.client,
                work,
                # read when its turn comes, so that the bytes of a class are never held at once
                (read_job(conditions, submission) for submission in chosen),
                resources=farm.resources,
                patience=farm.patience,
                deadline=deadline(conditions),
                most=most,
                stopped=stopped,
                on_running=on_running,
            )
            for job, outcome in outcomes:
                if isinstance(outcome, BaseException):
                    yield fault_record(job, describe(outcome))
                elif outcome.crowded and most is None:
                    crowded.add(job.student)
                else:
                    yield outcome
