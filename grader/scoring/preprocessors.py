"""The two steps of nbgrader's Autograde that the grader replaces."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import nbformat
from nbgrader.preprocessors import Execute, NbGraderPreprocessor, SaveAutoGrades
from traitlets.utils.importstring import import_item

from grader.errors import ScoringError
from grader.scoring.points import auto_score
from grader.split import NotebookResult
from grader.split.recorder import is_test


def replace_steps(steps: Iterable[Any], execution: Any, scores: Any) -> list[Any]:
    """nbgrader's list of steps with the executing and the scoring one replaced.

    Args:
        steps: classes, dotted names of classes, or other preprocessors, which stay.
        execution: what stands in for nbgrader's Execute, or for what stood in for it before.
        scores: the same for SaveAutoGrades.
    """
    replaced = []
    for step in steps:
        kind = import_item(step) if isinstance(step, str) else step
        if isinstance(kind, type) and issubclass(kind, Execute | RecordedExecution):
            replaced.append(execution)
        elif isinstance(kind, type) and issubclass(kind, SaveAutoGrades):
            replaced.append(scores)
        else:
            replaced.append(step)
    return replaced


class RecordedExecution(NbGraderPreprocessor):
    """Stands in for nbgrader's Execute: the cells as the sandbox ran them."""

    def __init__(self, results: Mapping[str, NotebookResult], **options: Any) -> None:
        super().__init__(**options)
        self.results = results

    def preprocess(
        self, nb: nbformat.NotebookNode, resources: dict[str, Any]
    ) -> tuple[nbformat.NotebookNode, dict[str, Any]]:
        """Called by nbconvert for each notebook."""
        executed = self.results[resources["nbgrader"]["notebook"]].executed
        nb.cells = nbformat.from_dict(executed["cells"])
        return nb, resources


class SaveOutcomes(SaveAutoGrades):
    """Stands in for nbgrader's SaveAutoGrades: a test's points come from its outcome.

    nbgrader reads them from the outputs in the notebook, where anything on stderr costs all
    points and a forged output can earn them.
    """

    def __init__(
        self,
        results: Mapping[str, NotebookResult],
        unreadable: Collection[str],
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.results = results
        self.unreadable = unreadable

    def preprocess(
        self, nb: nbformat.NotebookNode, resources: dict[str, Any]
    ) -> tuple[nbformat.NotebookNode, dict[str, Any]]:
        """Called by nbconvert for each notebook."""
        nb, resources = super().preprocess(nb, resources)
        if self.notebook_id in self.unreadable:
            self._nothing_to_grade()
        return nb, resources

    def _nothing_to_grade(self) -> None:
        """No points, and no work for a person: nbgrader's rule for a notebook that is missing."""
        with self.gradebook:
            submitted = self.gradebook.find_submission_notebook(
                self.notebook_id, self.assignment_id, self.student_id
            )
            for grade in submitted.grades:
                grade.auto_score = 0
                grade.needs_manual_grade = grade.manual_score is not None
            self.gradebook.db.commit()

    def _add_score(self, cell: nbformat.NotebookNode, resources: dict[str, Any]) -> None:
        if not is_test(cell):
            super()._add_score(cell, resources)
            return
        name = cell.metadata.nbgrader.grade_id
        tests = {test.grade_id: test for test in self.results[self.notebook_id].tests}
        if name not in tests:
            raise ScoringError(f"The test {name!r} of {self.notebook_id} has no outcome.")
        grade = self.gradebook.find_grade(
            name, self.notebook_id, self.assignment_id, self.student_id
        )
        grade.auto_score = auto_score(tests[name], float(cell.metadata.nbgrader.points))
        grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
        self.gradebook.db.commit()
