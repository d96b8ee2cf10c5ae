"""What runs took, as rows: one for each notebook of a submission, and one for each of its tests.

The words are those of sysstat's `pidstat`: wall time goes by on the clock; CPU time is what
processors spent, user and system time together; %CPU is the second as a share of the first.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import TextIO

from grader.course import Course
from grader.errors import CourseError
from grader.farm import ResultStore, SubmissionRecord
from grader.report.export import harmless


@dataclass(frozen=True)
class RunRow:
    """What one notebook, or one test of it, took.

    Attributes:
        finished: when the submission was done, such as "2026-03-01T12:00:00Z", or "".
        worker: name of the machine that ran it.
        student: whose it is.
        notebook: its name.
        test: grade_id of the test; "" for the notebook as a whole.
        outcome: how the test ended; "fault" where the grader failed on the submission.
        wall_s: seconds of wall time.
        cpu_s: seconds of CPU time, user and system, of both kernels.
        cpu_percent: CPU time as a share of wall time.
        kernel_start_s: seconds until the kernels could run a cell.
        peak_memory_bytes: the most that the answer kernel used at once.
        peak_gpu_memory_bytes: the same on graphics cards.
        output_bytes: outputs as they are stored.
    """

    finished: str
    worker: str
    student: str
    notebook: str
    test: str
    outcome: str
    wall_s: float
    cpu_s: float
    cpu_percent: float
    kernel_start_s: float | None = None
    peak_memory_bytes: int | None = None
    peak_gpu_memory_bytes: int | None = None
    output_bytes: int | None = None


def run_rows(records: Iterable[SubmissionRecord]) -> Iterator[RunRow]:
    """Rows of `records`, each notebook before its tests."""
    for record in records:
        when = datetime.fromtimestamp(record.finished, UTC).isoformat(timespec="seconds")
        finished = when.replace("+00:00", "Z") if record.finished else ""
        for result in record.results:
            common = (finished, record.worker, record.student, result.notebook)
            yield RunRow(
                *common,
                "",
                "fault" if record.fault else "",
                *_times(result.wall, result.cpu),
                result.kernel_start,
                result.peak_memory,
                result.peak_gpu_memory,
                result.output_size,
            )
            for test in result.tests:
                times = _times(test.duration, test.cpu)
                yield RunRow(*common, test.grade_id, test.outcome.value, *times)


def _times(wall: float, cpu: float) -> tuple[float, float, float]:
    return wall, cpu, round(100 * cpu / wall, 1) if wall else 0.0


def stored_rows(course: Course, assignment: str) -> Iterator[RunRow]:
    """Rows of all that is stored of an assignment, in order of student.

    Raises:
        CourseError: nothing was graded yet.
    """
    empty = True
    for row in run_rows(ResultStore(course, course.require(assignment)).each()):
        empty = False
        yield row
    if empty:
        raise CourseError(
            f"No graded submission for {assignment!r} yet: run `grader grade {assignment}` first."
        )


def write_rows(rows: Iterable[RunRow], file: TextIO, *, lines: bool) -> int:
    """Write rows, and return how many there were.

    Args:
        rows: what to write.
        file: open for writing text with `newline=""`.
        lines: one JSON object a line; else CSV with a head, as `sadf -d` writes it.
    """
    number = 0
    writer = csv.writer(file)
    if not lines:
        writer.writerow([field.name for field in fields(RunRow)])
    for row in rows:
        number += 1
        if lines:
            file.write(json.dumps(asdict(row)) + "\n")
        else:
            writer.writerow(
                [harmless(v) if isinstance(v, str) else v for v in asdict(row).values()]
            )
    return number
