"""The steps of nbgrader's Autograde that the grader replaces."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

import nbformat
from nbgrader.api import BaseCell, Comment, Grade, Gradebook, MissingEntry
from nbgrader.preprocessors import (
    AssignLatePenalties,
    Execute,
    NbGraderPreprocessor,
    SaveAutoGrades,
)
from traitlets.utils.importstring import import_item

from grader.errors import ScoringError
from grader.inert import inert_cells
from grader.scoring.points import auto_score
from grader.split import NotebookResult
from grader.split.recorder import is_test

OpenGradebook = Callable[[str], AbstractContextManager[Any]]
"""Makes a gradebook of its URL, for a `with` block; nbgrader's own class is one."""


def replace_steps(steps: Iterable[Any], execution: Any, scores: Any) -> list[Any]:
    """nbgrader's list of steps with the executing and the scoring one replaced.

    Args:
        steps: classes, dotted names of classes, or other preprocessors, which stay.
        execution: what stands in for nbgrader's Execute, or for what stood in for it before.
        scores: the same for SaveAutoGrades.
    """
    replaced = []
    for step in steps:
        kind = step_class(step)
        if issubclass(kind, Execute | RecordedExecution):
            replaced.append(execution)
        elif issubclass(kind, SaveAutoGrades):
            replaced.append(scores)
        else:
            replaced.append(step)
    return replaced


def step_class(step: Any) -> type:
    """The class that a step of the list is or names; the class `object` for what is neither."""
    kind = import_item(step) if isinstance(step, str) else step
    return kind if isinstance(kind, type) else object


class RecordedExecution(NbGraderPreprocessor):
    """Stands in for nbgrader's Execute: the cells as the sandbox ran them.

    They are made inert, because Formgrader shows them in the instructor's session as they are.
    """

    def __init__(self, results: Mapping[str, NotebookResult], **options: Any) -> None:
        super().__init__(**options)
        self.results = results

    def preprocess(
        self, nb: nbformat.NotebookNode, resources: dict[str, Any]
    ) -> tuple[nbformat.NotebookNode, dict[str, Any]]:
        """Called by nbconvert for each notebook."""
        executed = self.results[resources["nbgrader"]["notebook"]].executed
        nb.cells = nbformat.from_dict(list(inert_cells(executed["cells"])))
        return nb, resources


class SubmittedCells:
    """The grades and comments of one submitted notebook, as nbgrader's steps ask a gradebook.

    nbgrader looks each of them up with a join of seven tables, and commits after each. Here a few
    queries find all, by what the gradebook has an index for, and the caller commits.

    Args:
        gradebook: open, and stays so.
        where: the names of notebook, assignment and student.
    """

    def __init__(self, gradebook: Gradebook, where: Mapping[str, str]) -> None:
        self._where = where
        self.notebook = gradebook.find_submission_notebook(
            where["notebook"], where["assignment"], where["student"]
        )
        cells = BaseCell.__table__
        mine = cells.c.notebook_id == self.notebook.notebook_id
        self._names = dict(gradebook.db.query(cells.c.id, cells.c.name).filter(mine).all())
        self.grades: dict[str, Grade] = self._named(gradebook, Grade)
        self._comments: dict[str, Comment] = self._named(gradebook, Comment)
        self.db = SimpleNamespace(commit=lambda: None)

    def find_grade(self, name: str, *_where: str) -> Grade:
        """The grade of one cell; raises MissingEntry."""
        return self._found(self.grades, name)

    def find_comment(self, name: str, *_where: str) -> Comment:
        """The comment on one cell; raises MissingEntry."""
        return self._found(self._comments, name)

    def _named(self, gradebook: Gradebook, kind: Any) -> dict[str, Any]:
        # the index is on cell and notebook, and is used only where the cells are listed
        rows = gradebook.db.query(kind).filter(
            kind.cell_id.in_(self._names), kind.notebook_id == self.notebook.id
        )
        return {self._names[row.cell_id]: row for row in rows}

    def _found(self, rows: Mapping[str, Any], name: str) -> Any:
        if name not in rows:
            raise MissingEntry(f"The gradebook has no cell {name!r} in {dict(self._where)}")
        return rows[name]


class SaveOutcomes(SaveAutoGrades):
    """Stands in for nbgrader's SaveAutoGrades: a test's points come from its outcome.

    nbgrader reads them from the outputs in the notebook, where anything on stderr costs all
    points and a forged output can earn them.
    """

    def __init__(
        self,
        results: Mapping[str, NotebookResult],
        unreadable: Collection[str],
        open_gradebook: OpenGradebook = Gradebook,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.results = results
        self.unreadable = unreadable
        self.open_gradebook = open_gradebook

    def preprocess(
        self, nb: nbformat.NotebookNode, resources: dict[str, Any]
    ) -> tuple[nbformat.NotebookNode, dict[str, Any]]:
        """Called by nbconvert for each notebook."""
        where = resources["nbgrader"]
        self.notebook_id = where["notebook"]
        self.assignment_id, self.student_id = where["assignment"], where["student"]
        with self.open_gradebook(where["db_url"]) as gradebook:
            self.gradebook = SubmittedCells(gradebook, where)
            nb, resources = super(SaveAutoGrades, self).preprocess(nb, resources)
            if self.notebook_id in self.unreadable:
                self._nothing_to_grade()
            gradebook.db.commit()
        return nb, resources

    def _nothing_to_grade(self) -> None:
        """No points, and no work for a person: nbgrader's rule for a notebook that is missing."""
        for grade in self.gradebook.grades.values():
            grade.auto_score = 0
            grade.needs_manual_grade = grade.manual_score is not None

    def _add_score(self, cell: nbformat.NotebookNode, resources: dict[str, Any]) -> None:
        if not is_test(cell):
            super()._add_score(cell, resources)
            return
        name = cell.metadata.nbgrader.grade_id
        tests = {test.grade_id: test for test in self.results[self.notebook_id].tests}
        if name not in tests:
            raise ScoringError(f"The test {name!r} of {self.notebook_id} has no outcome.")
        grade = self.gradebook.find_grade(name)
        grade.auto_score = auto_score(tests[name], float(cell.metadata.nbgrader.points))
        grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None


class LatePenalties(AssignLatePenalties):
    """Stands in for nbgrader's AssignLatePenalties: the same, in a gradebook that is open.

    nbgrader asks the database for the notebook's score, for which it reads the grades of all
    students.
    """

    def __init__(self, open_gradebook: OpenGradebook, **options: Any) -> None:
        super().__init__(**options)
        self.open_gradebook = open_gradebook

    def preprocess(
        self, nb: nbformat.NotebookNode, resources: dict[str, Any]
    ) -> tuple[nbformat.NotebookNode, dict[str, Any]]:
        """Called by nbconvert for each notebook."""
        where = resources["nbgrader"]
        self.init_plugin()
        with self.open_gradebook(where["db_url"]) as gradebook:
            notebook = gradebook.find_submission_notebook(
                where["notebook"], where["assignment"], where["student"]
            )
            late = notebook.assignment.total_seconds_late
            penalty = None
            if late > 0:
                grades = SubmittedCells(gradebook, where).grades.values()
                score = float(sum(grade.score for grade in grades))
                penalty = self.plugin_inst.late_submission_penalty(where["student"], score, late)
                if penalty is not None:
                    penalty = self._check_late_penalty(SimpleNamespace(score=score), penalty)
            notebook.late_submission_penalty = penalty
            gradebook.db.commit()
        return nb, resources
