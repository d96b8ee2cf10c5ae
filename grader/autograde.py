"""Stock `nbgrader autograde` and Formgrader's button, the same way as `grader grade`.

Two lines in a course's nbgrader_config.py, after its other settings, are enough:

    from grader.autograde import use_split
    use_split(c)

nbgrader then still finds the submissions, keeps the gradebook and writes autograded/. But intake
alone reads a submitted file, the notebook runs in a sandbox under the course's own limits, and a
test's points come from its outcome. The record of each submission is kept as `grader grade`
keeps it, so that `grader feedback` and `grader report` need nothing else.

Where student code cannot be isolated, nothing is started. A fault of ours while a submission runs
is an error in nbgrader's log, and its tests wait for a person: they never become a zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat.v4 import new_notebook
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from traitlets.config import Config
from traitlets.config.loader import LazyConfigValue

from grader.course import Course, Submission, is_safe_name
from grader.errors import GraderError, IntakeError
from grader.scoring.preprocessors import RecordedExecution, SaveOutcomes, replace_steps

# grader.farm is imported where a submission is graded: every command that reads the configuration
# imports this module, and Dask takes a second.
if TYPE_CHECKING:
    from grader.farm import SubmissionRecord

_KEPT_METADATA = ("kernelspec", "language_info")


def use_split(c: Config) -> None:
    """Make nbgrader's own autograde run and score submissions as `grader grade` does.

    Args:
        c: what `get_config()` returned in nbgrader_config.py. Other steps in
            `c.Autograde.autograde_preprocessors` stay where they are.
    """
    steps: Any = Autograde.class_traits()["autograde_preprocessors"].default()
    if "autograde_preprocessors" in c.Autograde:
        chosen = c.Autograde["autograde_preprocessors"]
        steps = chosen.get_value(steps) if isinstance(chosen, LazyConfigValue) else chosen
    # names, because nbgrader compares, copies and prints configurations
    c.Autograde.exporter_class = _name(SubmissionExporter)
    c.Autograde.autograde_preprocessors = replace_steps(
        steps, _name(SplitExecution), _name(SaveSplitOutcomes)
    )


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


class SubmissionExporter(NotebookExporter):
    """Grades each submission once, when nbgrader comes to its first notebook.

    It opens no notebook itself: nbgrader's steps start from an empty one, which `SplitExecution`
    fills. So a file that is no notebook gets no points, as with `grader grade`, and stops nobody.

    Raises:
        NbGraderException: the course cannot be graded here; nothing was changed.
    """

    def __init__(self, *, parent: Any, **options: Any) -> None:
        super().__init__(parent=parent, **options)  # type: ignore[no-untyped-call]  # nbconvert's
        self._record: SubmissionRecord | None = None
        self._unscored: set[str] = set()
        from grader.farm.job import conditions_of

        try:
            self._course = Course(parent.coursedir.root)
            # what the command line says about folders and gradebook counts, too
            self._course.directory = parent.coursedir
            self._conditions = conditions_of(self._course, parent.coursedir.assignment_id)
        except GraderError as error:
            self.log.error(str(error))
            raise NbGraderException(str(error)) from None
        if self.config.Execute.get("enabled") is False:
            self.log.warning("--no-execute has no effect: points come from a run, not from outputs")

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **options: Any
    ) -> Any:
        """Called by nbgrader, once to sanitise a notebook and once to autograde it."""
        convert: Any = self.from_notebook_node
        made = convert(new_notebook(), resources, **options)
        if self._record is not None and not self._record.scored and not self._unscored:
            from grader.farm import ResultStore

            store = ResultStore(self._course, self._record.assignment)
            self._record = store.mark_scored(self._record)
        return made

    def record(self, student: str) -> SubmissionRecord:
        """What grading found; the last student's is kept, because a notebook asks twice.

        Raises:
            IntakeError: the student's folder has a name that no student can have.
            GraderError: this submission could not be graded at all.
        """
        if self._record is None or self._record.student != student:
            self._record, self._unscored = self._grade(student)
        return self._record

    def scored(self, notebook: str) -> None:
        """Note that the gradebook has the scores of a notebook."""
        self._unscored.discard(notebook)

    def _grade(self, student: str) -> tuple[SubmissionRecord, set[str]]:
        from grader.farm.job import grade_job, read_job

        if not is_safe_name(student):
            raise IntakeError(f"{student!r} cannot be a student's id: rename the folder.")
        name = self._conditions.template.name
        folder = self._course.path("submitted", name, student)
        job = read_job(self._conditions, Submission(student, name, folder))
        record = grade_job(job)
        for notebook, problems in record.problems.items():
            for problem in problems:
                self.log.warning("%s %s: %s", student, notebook, problem)
        if record.fault:
            self.log.error(
                "%s could not be graded through a fault of ours; the tests have no score and "
                "wait for a person: %s",
                student,
                record.fault,
            )
        # nbgrader itself scores notebooks that are missing
        names = {result.notebook for result in record.results}
        return record, {each for each in names if (folder / f"{each}.ipynb").exists()}


class SplitExecution(RecordedExecution):
    """Stands in for nbgrader's Execute: intake cleans the notebook, the sandbox runs it."""

    def __init__(self, **options: Any) -> None:
        super().__init__({}, **options)

    def preprocess(
        self, nb: nbformat.NotebookNode, resources: dict[str, Any]
    ) -> tuple[nbformat.NotebookNode, dict[str, Any]]:
        """Called by nbconvert for each notebook."""
        record = self.parent.record(resources["nbgrader"]["student"])
        self.results = {result.notebook: result for result in record.results}
        metadata = self.results[resources["nbgrader"]["notebook"]].executed["metadata"]
        nb.metadata = nbformat.from_dict(
            {key: metadata[key] for key in _KEPT_METADATA if key in metadata}
        )
        return super().preprocess(nb, resources)


class SaveSplitOutcomes(SaveOutcomes):
    """Stands in for nbgrader's SaveAutoGrades: points come from the outcomes of that run."""

    def __init__(self, **options: Any) -> None:
        super().__init__({}, (), **options)

    def preprocess(
        self, nb: nbformat.NotebookNode, resources: dict[str, Any]
    ) -> tuple[nbformat.NotebookNode, dict[str, Any]]:
        """Called by nbconvert for each notebook."""
        record = self.parent.record(resources["nbgrader"]["student"])
        self.results = {result.notebook: result for result in record.results}
        self.unreadable = record.unreadable.keys()
        nb, resources = super().preprocess(nb, resources)
        self.parent.scored(resources["nbgrader"]["notebook"])
        return nb, resources
