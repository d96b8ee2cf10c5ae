"""Audits a course's assignments, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from grader.audit.diagnosed import diagnose
from grader.audit.measure import Measurement
from grader.audit.pipeline import compare
from grader.audit.pool import Pool, Store
from grader.audit.result import NAMED_RATE, Audit
from grader.audit.shown import find_leaks
from grader.audit.subject import Subject, read_subjects
from grader.course import Course
from grader.errors import CourseError, Interrupted, ReleaseError, SandboxUnavailable

SEEDS = 50


class Watch:
    """Is told how an audit gets on; this one tells nobody."""

    def start(self, name: str, total: int) -> None:
        """`name` begins, and takes `total` runs; 0 where that is not known yet."""

    def advance(self) -> None:
        """A run is done. Called in any thread."""


def audit_assignments(
    course: Course,
    names: list[str],
    *,
    seeds: int = SEEDS,
    mutants: bool = True,
    workers: int = 2,
    watch: Watch | None = None,
    recall: bool = True,
) -> Iterator[Audit]:
    """Audit each notebook of the assignments `names`, and yield what was found.

    What ran before is recalled from the course's `.grader/audit`, unless something changed that
    could change it, or `recall` is False.

    Args:
        course: where they are.
        names: of assignments.
        seeds: how many the reference and the alternatives run with.
        mutants: whether to try mutants.
        workers: how many versions run at once.
        watch: is told of the progress.
        recall: whether to use what an earlier audit found.

    Raises:
        CourseError: an assignment is unknown, has no tests, or has a broken catalogue.
        Interrupted: Ctrl-C; what is finished is kept.
        StorageError: the results cannot be kept.
    """
    watch = watch or Watch()
    subjects = [(name, read_subjects(course, name)) for name in names]
    for name, found in subjects:
        if not found:
            raise CourseError(f"Assignment {name!r} has no answer with a test after it to audit.")
    try:
        for name, found in subjects:
            store = Store(course.state / "audit" / f"{name}.jsonl", recall=recall)
            for subject in found:
                yield _audit(course, subject, store, seeds, mutants, workers, watch)
            if mutants:
                store.tidy()
    except (KeyboardInterrupt, Interrupted):
        raise Interrupted(
            "Stopped: what ran is kept. Run the same command to go on from there."
        ) from None


def _audit(
    course: Course,
    subject: Subject,
    store: Store,
    seeds: int,
    mutants: bool,
    workers: int,
    watch: Watch,
) -> Audit:
    parameters = dict(course.settings.parameters)
    watch.start(subject.name, 0)
    with subject.folder() as folder, Pool(workers, folder, store) as pool:
        measurement = Measurement(
            subject,
            pool,
            parameters=parameters,
            seeds=seeds,
            mutants=mutants,
            memory=course.limits.memory,
        )
        measurement.prepare()
        checks = measurement.checks()
        watch.start(subject.name, len(checks))
        answers = pool.all([check.job for check in checks], watch.advance)
    for check, answer in zip(checks, answers, strict=True):
        check.judge(answer)
    audit = measurement.finish()
    try:
        _grade(course, measurement, store, workers, watch)
        if mutants:
            _name(course, measurement, store, workers, watch)
    except SandboxUnavailable as error:
        audit.pipeline = f"not run: {error}"
    except ReleaseError as error:  # a leak, for instance
        audit.pipeline = "not run: it cannot be released"
        audit.problems.append(f"It cannot be released: {error}")
    audit.leaks = find_leaks(course, subject, measurement.expected, measurement.messages)
    audit.problems += audit.leaks
    return audit


def _grade(
    course: Course, measurement: Measurement, store: Store, workers: int, watch: Watch
) -> None:
    """Compare some versions with how the farm grades them."""
    audit, versions = measurement.audit, measurement.versions
    watch.start(f"{audit.notebook}, as graded", len(versions))
    differences = compare(course, measurement.subject, versions, store, workers, watch.advance)
    audit.pipeline = f"{len(versions)} versions graded"
    audit.problems += differences


def _name(
    course: Course, measurement: Measurement, store: Store, workers: int, watch: Watch
) -> None:
    """Count the misconceptions that the feedback calls by name."""
    audit, subject = measurement.audit, measurement.subject
    watch.start(f"{audit.notebook}, by name", audit.total("misconceptions"))
    found = diagnose(course, subject, store, workers, watch.advance)
    audit.unnamed = [name for name, given in found.items() if name != given]
    for variant in subject.of_kind("misconception"):
        row = measurement.rows[subject.step_of(variant.function)]
        row.diagnosed += found[variant.name] == variant.name
    if len(audit.unnamed) > (1 - NAMED_RATE) * len(found):
        audit.problems.append(
            f"The feedback calls {audit.total('diagnosed')} of {len(found)} misconceptions by "
            f"name, and {NAMED_RATE:.0%} are asked for."
        )
