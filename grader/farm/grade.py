"""The main path of grading."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from itertools import chain

from grader.course import Course, Submission
from grader.errors import CourseError, Interrupted, ScoringError
from grader.farm.cluster import local_cluster, run_tasks
from grader.farm.job import Conditions, Job, fault_record, grade_job, read_data_files, read_job
from grader.farm.store import ResultStore, SubmissionRecord
from grader.intake import nothing_handed_in
from grader.release import load_template
from grader.sandbox import SandboxMode, examine_host
from grader.scoring import score_submission

_HOPELESS = 3
"""Records that a gradebook refuses, and takes none, before no more are offered to it."""


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
    stored = {} if regrade else _stored(store, conditions, submissions)
    on_start(len(submissions), len(stored))
    scorer = _Scorer(course, store)
    records: dict[str, SubmissionRecord] = {}
    kept = len(stored)
    # read again when its turn comes, so that the bytes of a whole class are never held at once
    waiting = (read_job(conditions, s) for s in submissions if s.student not in stored)
    wanted = course.settings.workers if workers is None else workers
    count = len(submissions) - len(stored)
    try:
        with closing(_run(waiting, count, wanted)) as fresh:
            for record in chain(stored.values(), fresh):
                if record.student not in stored:
                    store.save(record)
                    kept += 1
                records[record.student] = scorer.score(record)
                on_record(record)
    except KeyboardInterrupt:
        raise Interrupted(
            f"Stopped: {kept} of {len(submissions)} submissions are graded and kept. "
            "Run the same command to grade the rest."
        ) from None
    scorer.finish()
    return GradeRun(tuple(records[name] for name in sorted(records)), count)


def _stored(
    store: ResultStore, conditions: Conditions, submissions: Iterable[Submission]
) -> dict[str, SubmissionRecord]:
    """Records that are still true and are not a fault of ours."""
    found = {}
    for submission in submissions:
        record = store.load(submission.student)
        if (
            record is not None
            and not record.fault
            and record.key == read_job(conditions, submission).key
        ):
            found[submission.student] = record
    return found


def _run(jobs: Iterable[Job], count: int, workers: int) -> Generator[SubmissionRecord]:
    """Records of `count` jobs, as workers finish them; no worker is started for none."""
    if not count:
        return
    with local_cluster(workers, at_most=count) as client:
        for job, outcome in run_tasks(client, grade_job, jobs):
            if isinstance(outcome, BaseException):
                yield fault_record(job, f"The grader failed on this submission: {outcome!r}"[:300])
            else:
                yield outcome


class _Scorer:
    """Writes records to the gradebook; a record that it does not take stops no other.

    Args:
        course: whose gradebook.
        store: where to note what the gradebook has.
    """

    def __init__(self, course: Course, store: ResultStore) -> None:
        self._course = course
        self._store = store
        self._refused: dict[str, ScoringError] = {}
        self._taken = 0

    def score(self, record: SubmissionRecord) -> SubmissionRecord:
        """Score a record, unless the gradebook has it already."""
        hopeless = len(self._refused) >= _HOPELESS and not self._taken
        if record.scored or hopeless:
            return record
        try:
            score_submission(
                self._course,
                record.assignment,
                record.student,
                {result.notebook: result for result in record.results},
                record.unreadable.keys(),
                record.timestamp,
            )
        except ScoringError as error:
            self._refused[record.student] = error
            return record
        self._taken += 1
        return self._store.mark_scored(record)

    def finish(self) -> None:
        """Say what the gradebook did not take.

        Raises:
            ScoringError: with the first reason.
        """
        for error in self._refused.values():
            raise ScoringError(
                f"{str(error).rstrip('.')}. Results are kept: put that right and run the same "
                "command again."
            )
