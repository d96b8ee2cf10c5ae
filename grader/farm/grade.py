"""The main path of grading."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass

from grader.course import Course, Submission
from grader.errors import CourseError, Interrupted
from grader.farm.cluster import local_cluster, run_tasks
from grader.farm.job import Conditions, Job, fault_record, grade_job, read_data_files, read_job
from grader.farm.scorer import Scorer
from grader.farm.store import ResultStore, SubmissionRecord
from grader.intake import nothing_handed_in
from grader.release import load_template
from grader.sandbox import SandboxMode, examine_host
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
    workers: int | None = None,
    sandbox: SandboxMode | None = None,
    on_start: Callable[[int, int], None] = lambda total, stored: None,
    on_record: Callable[[SubmissionRecord], None] = lambda record: None,
    work: Callable[[Job], SubmissionRecord] = grade_job,
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
        work: what a worker does with a job; a benchmark replays a recording.

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
    conditions = Conditions(
        load_template(course, course.require(assignment)),
        read_data_files(course.assignment(assignment)),
        course.limits,
        mode,
        course.settings.parameters,
        hidden=(course.root,),
    )
    submissions = list(course.submissions(assignment, student))
    if not submissions:
        raise CourseError(nothing_handed_in(course, assignment, student))
    store = ResultStore(course, assignment)
    stored = set() if regrade else _stored(store, conditions, submissions)
    on_start(len(submissions), len(stored))
    # read again when its turn comes, so that the bytes of a whole class are never held at once
    waiting = (read_job(conditions, s) for s in submissions if s.student not in stored)
    wanted = course.settings.workers if workers is None else workers
    count = len(submissions) - len(stored)
    kept = len(stored)
    faults = []
    try:
        with (
            GradebookWriter(course, assignment) as writer,
            closing(_run(waiting, count, wanted, work)) as fresh,
        ):
            scorer = Scorer(writer, store, course.settings.gradebook_patience)
            for student in sorted(stored):
                if (old := store.load(student)) is not None:
                    scorer.score(old)
                    on_record(old)
            for record in fresh:
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
    store: ResultStore, conditions: Conditions, submissions: Iterable[Submission]
) -> set[str]:
    """Whose records are still true and are not a fault of ours."""
    return {
        submission.student
        for submission in submissions
        if (record := store.load(submission.student)) is not None
        and not record.fault
        and record.key == read_job(conditions, submission).key
    }


def _run(
    jobs: Iterable[Job], count: int, workers: int, work: Callable[[Job], SubmissionRecord]
) -> Generator[SubmissionRecord]:
    """Records of `count` jobs, as workers finish them; no worker is started for none."""
    if not count:
        return
    with local_cluster(workers, at_most=count) as client:
        for job, outcome in run_tasks(client, work, jobs):
            if isinstance(outcome, BaseException):
                yield fault_record(job, f"The grader failed on this submission: {outcome!r}"[:300])
            else:
                yield outcome
