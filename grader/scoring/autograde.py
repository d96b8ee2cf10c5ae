"""Write one submission's outcomes to the gradebook, through nbgrader's own Autograde."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

import nbformat
from nbconvert.exporters import NotebookExporter
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import parse_utc
from traitlets.config import Config

from grader.course import Course
from grader.errors import ScoringError
from grader.release.converter import run_converter
from grader.scoring.preprocessors import RecordedExecution, SaveOutcomes, replace_steps
from grader.split import NotebookResult


def score_submission(
    course: Course,
    assignment: str,
    student: str,
    results: Mapping[str, NotebookResult],
    unreadable: Collection[str] = (),
    timestamp: str = "",
) -> None:
    """Score one student's notebooks, as `nbgrader autograde` would, from recorded outcomes.

    The notebooks that nbgrader reads are the executed ones in `results`, never the submitted
    files; a manual grade that a person gave before stays.

    Args:
        course: whose gradebook to write.
        assignment: name of the assignment.
        student: id of the student, made in the gradebook where it is new.
        results: one for each notebook of the assignment, by name.
        unreadable: names of notebooks that are missing or could not be read: no points.
        timestamp: when it was handed in, as nbgrader's timestamp.txt has it, or "".

    Raises:
        ScoringError: the gradebook cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="grader-score-") as staging:
        directory = _staged_course(course, assignment, student, Path(staging))
        folder = Path(directory.format_path(directory.submitted_directory, student, assignment))
        try:
            _write_submission(folder, results, timestamp)
        except OSError as error:
            raise ScoringError(
                f"The work of {student!r} cannot be staged in {staging}: {error.strerror}."
            ) from None
        converter = Autograde(coursedir=directory, config=course.config)
        converter.force = True
        # of a course whose nbgrader_config.py makes nbgrader itself execute as the grader does
        converter.exporter_class = NotebookExporter
        converter.autograde_preprocessors = replace_steps(
            converter.autograde_preprocessors,
            RecordedExecution(results, enabled=True),
            SaveOutcomes(results, unreadable, enabled=True),
        )
        run_converter(converter, f"score {student!r} for {assignment!r}", ScoringError)


def _staged_course(course: Course, assignment: str, student: str, staging: Path) -> CourseDirectory:
    """The course, but with its submitted folder elsewhere: nbgrader reads only clean notebooks."""
    config = Config(course.config)
    config.CourseDirectory.submitted_directory = str(staging)
    directory = CourseDirectory(config=config)
    directory.assignment_id = assignment
    directory.student_id = student
    return directory


def _write_submission(folder: Path, results: Mapping[str, NotebookResult], timestamp: str) -> None:
    folder.mkdir(parents=True)
    for name, result in results.items():
        nbformat.write(nbformat.from_dict(result.executed), folder / f"{name}.ipynb")
    # a student may have written it, and nbgrader gives up on what is no time
    with contextlib.suppress(Exception):
        if timestamp and parse_utc(timestamp):
            (folder / "timestamp.txt").write_text(timestamp, encoding="utf-8")
