"""Write outcomes to the gradebook, through nbgrader's own Autograde."""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbconvert.writers.files import FilesWriter
from nbformat.v4 import new_notebook
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties, CheckCellMetadata
from nbgrader.utils import find_all_files, parse_utc, setenv
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SAWarning, SQLAlchemyError
from traitlets.config import Config

from grader.course import Course
from grader.errors import GradebookBusy, GradebookUnwritable, ScoringError
from grader.release.converter import programs_on_path
from grader.scoring.preprocessors import (
    LatePenalties,
    OpenGradebook,
    RecordedExecution,
    SaveOutcomes,
    replace_steps,
    step_class,
)
from grader.split import NotebookResult

_LASTING = ("readonly", "read-only", "disk is full", "unable to open", "no such table")
"""What SQLite says where waiting changes nothing."""


class GradebookWriter:
    """The one writer of a run: the gradebook stays open from one submission to the next.

    nbgrader opens it a dozen times for each submission, and makes a new engine each time.

    Args:
        course: whose gradebook.
        assignment: name of a released assignment.
    """

    def __init__(self, course: Course, assignment: str) -> None:
        self._course = course
        self._assignment = assignment
        self._gradebook: Gradebook | None = None
        self._scoring = _Scoring(course, assignment, self._begun, self._open)

    def __enter__(self) -> GradebookWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the gradebook; the next submission opens it again."""
        gradebook, self._gradebook = self._gradebook, None
        if gradebook is not None:
            with suppress(SQLAlchemyError):  # a server that is gone cannot be told goodbye
                gradebook.db.remove()
                self._connection.close()
            gradebook.engine.dispose()

    def score(
        self,
        student: str,
        results: Mapping[str, NotebookResult],
        unreadable: Collection[str] = (),
        timestamp: str = "",
    ) -> None:
        """Score one student's notebooks, as `nbgrader autograde` would, from recorded outcomes.

        Nothing that was submitted is read. A manual grade that a person gave before stays. What
        was begun and not finished does no harm: scoring again writes the same.

        Args:
            student: id of the student, made in the gradebook where it is new.
            results: one for each notebook of the assignment, by name.
            unreadable: names of notebooks that are missing or could not be read: no points.
            timestamp: when it was handed in, as nbgrader's timestamp.txt has it, or "".

        Raises:
            GradebookBusy: another program has the gradebook locked, or its server is not there.
            GradebookUnwritable: it can take nobody's scores, for a reason that stays.
            ScoringError: the gradebook, or the autograded folder, cannot be written.
        """
        try:
            with _quiet():
                self._scoring.score(student, results, unreadable, timestamp)
        except ScoringError:
            self.close()
            raise
        # an instructor's own step can raise anything
        except Exception as error:
            self.close()
            raise self._explained(student, error) from error
        except BaseException:
            self.close()
            raise

    @contextmanager
    def _open(self, _url: str = "") -> Iterator[Gradebook]:
        """The gradebook in a transaction, which is committed at the end.

        Every commit waits for the disk, and nbgrader commits after each cell.
        """
        yield self._begun()
        self._connection.commit()

    def _begun(self) -> Gradebook:
        """The gradebook in a transaction, which nbgrader's own commits do not end."""
        if self._gradebook is None:
            with programs_on_path():
                self._gradebook = Gradebook(self._course.db_url, self._course.directory.course_id)
            self._gradebook.db.remove()
            self._connection = self._gradebook.engine.connect()
            self._gradebook.db.configure(
                bind=self._connection, join_transaction_mode="rollback_only"
            )
        if not self._connection.in_transaction():
            self._gradebook.db.remove()
            self._connection.begin()
        return self._gradebook

    def _explained(self, student: str, error: Exception) -> ScoringError:
        """`error` as one sentence."""
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, DBAPIError):
            # nbgrader's own exceptions hide the database's behind them
            cause = cause.__cause__ or cause.__context__
        reason = f"{cause.orig if cause is not None else error}".strip() or type(error).__name__
        reason = reason.splitlines()[0].rstrip(".")
        task = f"The work of {student!r} for {self._assignment!r} cannot be scored"
        gone = isinstance(cause, OperationalError | InterfaceError) or (
            cause is not None and cause.connection_invalidated
        )
        if not gone:
            # a full disk is everybody's; anything else may come of this one submission
            ours = cause is not None or isinstance(error, OSError)
            return (GradebookUnwritable if ours else ScoringError)(f"{task}: {reason}.")
        lasting = any(word in reason for word in _LASTING)
        kind = GradebookUnwritable if lasting else GradebookBusy
        return kind(f"{task}: the gradebook {self._course.db_name} answers {reason!r}.")


class _Scoring(Autograde):
    """nbgrader's Autograde for students whose notebooks ran already, one after the other.

    Its sanitising steps are left out: intake and the sandbox made the cells from the instructor's
    version, and what those steps would do is thrown away when the executed cells come in.
    """

    def __init__(
        self,
        course: Course,
        assignment: str,
        begun: Callable[[], Gradebook],
        open_gradebook: OpenGradebook,
    ) -> None:
        config = Config(course.config)
        directory = CourseDirectory(config=config)
        directory.assignment_id = assignment
        super().__init__(coursedir=directory, config=config)
        self.log = logging.Logger("nbgrader")
        self.log.addHandler(logging.NullHandler())
        self.force = True
        self._sanitizing = False
        self._begun = begun
        self._execution = RecordedExecution({}, enabled=True)
        self._scores = SaveOutcomes({}, (), open_gradebook, enabled=True)
        chosen: Any = self.autograde_preprocessors
        steps = replace_steps(chosen, self._execution, self._scores)
        late = LatePenalties(open_gradebook, parent=self)
        # subclasses of these two are the instructor's, and stay
        self.autograde_preprocessors: Any = [
            late if step_class(step) is AssignLatePenalties else step
            for step in steps
            if step_class(step) is not CheckCellMetadata
        ]
        self._options: dict[str, Any] = {"parent": self, "config": self.config}
        self.writer = FilesWriter(**self._options)  # type: ignore[no-untyped-call]  # nbconvert's

    def score(
        self,
        student: str,
        results: Mapping[str, NotebookResult],
        unreadable: Collection[str],
        timestamp: str,
    ) -> None:
        """As nbgrader's `start`, but what goes wrong comes out as it is."""
        self._execution.results = self._scores.results = results
        self._scores.unreadable = unreadable
        self.coursedir.student_id = student
        # A new one each time, since it keeps something of every notebook. Not the course's class:
        # its nbgrader_config.py may make nbgrader itself execute as the grader does.
        self.exporter: Any = NotebookExporter(  # type: ignore[no-untyped-call]  # nbconvert's
            optimistic_validation=True, **self._options
        )
        self.notebooks = sorted(results)
        where = self.coursedir.assignment_id, student
        folder = Path(self._format_dest(*where))
        before = Path.cwd()
        os.chdir(self.coursedir.root)
        try:
            if not self.init_destination(*where):
                return  # the instructor excludes this student
            self.run_pre_convert_hook()
            self._make_submission(folder, timestamp)
            for notebook in self.notebooks:
                self.convert_single_notebook(notebook)
            self.set_permissions(*where)
            self.run_post_convert_hook()
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            os.chdir(before)

    def _make_submission(self, folder: Path, timestamp: str) -> None:
        """The submission in the gradebook, and its folder with the instructor's files."""
        assignment, student = self.coursedir.assignment_id, self.coursedir.student_id
        time = _time(timestamp)
        gradebook = self._begun()
        gradebook.update_or_create_student(student)
        known = {} if time is None else {"timestamp": time}
        gradebook.update_or_create_submission(assignment, student, **known)
        folder.mkdir(parents=True, exist_ok=True)
        if time is not None:
            (folder / "timestamp.txt").write_text(timestamp, encoding="utf-8")
        source = self.coursedir.format_path(self.coursedir.source_directory, ".", assignment)
        kept = self.exclude_overwriting.get(assignment, [])
        for file in find_all_files(source, [*self.coursedir.ignore, "*.ipynb"]):
            name = os.path.relpath(file, source)
            if name not in kept:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, folder / name)

    def convert_single_notebook(self, notebook: str) -> None:
        """Take one notebook through the steps, and write it as it ran."""
        assignment, student = self.coursedir.assignment_id, self.coursedir.student_id
        self._init_preprocessors()
        resources = {
            "unique_key": notebook,
            "output_files_dir": f"{notebook}_files",
            "metadata": {"name": notebook, "path": self._format_dest(assignment, student)},
            "nbgrader": {
                "student": student,
                "assignment": assignment,
                "notebook": notebook,
                "db_url": self.coursedir.db_url,
            },
        }
        executed = self._execution.results[notebook].executed
        start = new_notebook(metadata=executed.get("metadata", {}))
        with setenv(NBGRADER_EXECUTION="autograde"):
            output, resources = self.exporter.from_notebook_node(start, resources)
        self.write_single_notebook(output, resources)


def _time(timestamp: str) -> datetime | None:
    """When that is, or None: a student may have written it, and nbgrader gives up on no time."""
    with suppress(Exception):
        found: datetime | None = parse_utc(timestamp)
        return found
    return None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what nbgrader and SQLAlchemy say of nbgrader's own use of its database."""
    log = logging.getLogger("tornado.application")  # nbgrader's gradebook writes to this one
    before, log.disabled = log.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)
            yield
    finally:
        log.disabled = before
