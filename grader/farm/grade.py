"""The main path of grading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from grader.course import Course
from grader.errors import CourseError, Interrupted
from grader.farm.cluster import local_cluster, run_tasks
from grader.farm.job import Job, fault_record, grade_job, read_data_files
from grader.farm.store import ResultStore, SubmissionRecord
from grader.intake import nothing_handed_in, read_submission
from grader.release import load_template
from grader.sandbox import SandboxMode, examine_host
from grader.scoring import score_submission


@dataclass(frozen=True)
class GradeRun:
    """What `grade` did.

    Attributes:
        records: of all chosen submissions, in order of student.
        graded: how many were run now; the others were already stored.
    """

    records: tuple[SubmissionRecord, ...]
    graded: int


def grade(
    course: Course,
    assignment: str,
    *,
    student: str | None = None,
    regrade: bool = False,
    workers: int | None = None,
    sandbox: SandboxMode | None = None,
    on_start: Callable[[int, int], None] = lambda total, stored: None,
    on_record: Callable[[SubmissionRecord], None] = lambda record: None,
) -> GradeRun:
    """Grade the submissions of one assignment and write the gradebook.

    Args:
        course: the course.
        assignment: name of a released assignment.
        student: grade this one only.
        regrade: run again what is stored.
        workers: submissions at once; None means what the course says.
        sandbox: how student code is isolated; None means what the course says.
        on_start: called once with the number of submissions and how many of them are stored.
        on_record: called with each record, in order of completion.

    Raises:
        CourseError: the assignment is not released, or nothing was handed in.
        SandboxUnavailable: student code cannot be isolated here.
        ScoringError: the gradebook cannot be written; stored results stay.
        StorageError: results cannot be stored.
        Interrupted: the user stopped the run; stored results stay.
    """
    mode = sandbox or SandboxMode(course.settings.sandbox)
    if mode is SandboxMode.BUBBLEWRAP:
        examine_host()
    store = ResultStore(course, assignment)
    jobs = {job.student: job for job in _jobs(course, assignment, student, mode)}
    stored = {} if regrade else _stored(store, jobs)
    on_start(len(jobs), len(stored))
    records: dict[str, SubmissionRecord] = {}
    try:
        for record in _records(course, jobs, stored, workers):
            if record.student not in stored:
                store.save(record)
            if not record.scored:
                _score(course, record)
                record = store.mark_scored(record)
            records[record.student] = record
            on_record(record)
    except KeyboardInterrupt:
        raise Interrupted(
            f"Stopped: {len(records)} of {len(jobs)} submissions are graded and kept. "
            "Run the same command to grade the rest."
        ) from None
    ordered = tuple(records[name] for name in sorted(records))
    return GradeRun(ordered, len(jobs) - len(stored))


def _jobs(course: Course, assignment: str, student: str | None, mode: SandboxMode) -> Iterator[Job]:
    template = load_template(course, course.require(assignment))
    data_files = read_data_files(course.assignment(assignment))
    found = False
    for submission in course.submissions(assignment, student):
        found = True
        yield Job(
            submission.student,
            template,
            read_submission(submission, list(template.notebooks), course.limits),
            data_files,
            course.limits,
            mode,
            course.settings.parameters,
        )
    if not found:
        raise CourseError(nothing_handed_in(course, assignment, student))


def _stored(store: ResultStore, jobs: dict[str, Job]) -> dict[str, SubmissionRecord]:
    """Records that are still true and are not a fault of ours."""
    found = {name: store.load(name) for name in jobs}
    return {
        name: record
        for name, record in found.items()
        if record is not None and record.key == jobs[name].key and not record.fault
    }


def _records(
    course: Course,
    jobs: dict[str, Job],
    stored: dict[str, SubmissionRecord],
    workers: int | None,
) -> Iterator[SubmissionRecord]:
    """Stored records first, then new ones as workers finish them."""
    yield from stored.values()
    waiting = [job for name, job in jobs.items() if name not in stored]
    if not waiting:
        return
    wanted = course.settings.workers if workers is None else workers
    with local_cluster(wanted) as client:
        for job, outcome in run_tasks(client, grade_job, waiting):
            if isinstance(outcome, BaseException):
                yield fault_record(job, f"The grader failed on this submission: {outcome!r}"[:300])
            else:
                yield outcome


def _score(course: Course, record: SubmissionRecord) -> None:
    score_submission(
        course,
        record.assignment,
        record.student,
        {result.notebook: result for result in record.results},
        record.unreadable.keys(),
        record.timestamp,
    )
