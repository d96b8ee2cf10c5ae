"""Join the gradebook with the stored results into what reports are made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import nbformat

from grader.course import Course
from grader.errors import CourseError
from grader.farm import ResultStore, SubmissionRecord
from grader.release import NotebookTemplate, TemplateCell, load_template, without_hidden
from grader.report.model import GradedCell, GradedNotebook, GradedSubmission
from grader.scoring import CellScore, SubmissionScore, read_scores
from grader.split import NotebookResult, Outcome, TestResult

_HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)


def load_graded(
    course: Course, assignment: str, student: str | None = None
) -> list[GradedSubmission]:
    """All graded submissions of an assignment, in order of student, for tables.

    What their notebooks showed is left out: that of a whole class would fill the memory.

    Raises:
        CourseError: nothing was graded yet, or not this student.
        ScoringError: the gradebook cannot be read.
    """
    return [_without_cells(each) for each in each_graded(course, assignment, student)]


def each_graded(
    course: Course, assignment: str, student: str | None = None
) -> Iterator[GradedSubmission]:
    """The graded submissions of an assignment, whole, one after the other.

    Scores come from the gradebook, so what people graded by hand is in them.

    Raises:
        CourseError: nothing was graded yet, or not this student.
        ScoringError: the gradebook cannot be read.
    """
    template = load_template(course, course.require(assignment))
    scores = read_scores(course, assignment, student)
    titles = {name: _titles(course, assignment, name) for name in template.notebooks}
    store = ResultStore(course, assignment)
    graded = False
    for name in sorted(scores):
        record = store.load(name)
        if record is not None and record.scored:
            graded = True
            yield _submission(record, scores[name], template.notebooks, titles)
    if not graded:
        whose = "" if student is None else f" of {student!r}"
        raise CourseError(
            f"No graded submission{whose} for {assignment!r} yet: "
            f"run `grader grade {assignment}` first."
        )


def _without_cells(submission: GradedSubmission) -> GradedSubmission:
    """A submission whose notebooks have been emptied, where they ran."""
    books = [replace(b, executed=b.executed and {"cells": []}) for b in submission.notebooks]
    return replace(submission, notebooks=tuple(books))


def _submission(
    record: SubmissionRecord,
    score: SubmissionScore,
    templates: Mapping[str, NotebookTemplate],
    titles: Mapping[str, Mapping[str, str]],
) -> GradedSubmission:
    notebooks = tuple(
        _notebook(record, result, score, templates[result.notebook], titles[result.notebook])
        for result in record.results
        if result.notebook in templates
    )
    return GradedSubmission(
        student=record.student,
        assignment=record.assignment,
        notebooks=notebooks,
        timestamp=score.timestamp or None,
        late_penalty=score.late_penalty,
        needs_manual=any(cell.needs_manual for cell in score.cells.values()),
        fault=record.fault,
        wall=sum(result.wall for result in record.results),
        peak_memory=max((result.peak_memory for result in record.results), default=0),
    )


def _notebook(
    record: SubmissionRecord,
    result: NotebookResult,
    score: SubmissionScore,
    template: NotebookTemplate,
    titles: Mapping[str, str],
) -> GradedNotebook:
    unreadable = record.unreadable.get(result.notebook, "")
    problems = (*record.problems.get(result.notebook, ()), *record.problems.get("", ()))
    outcomes = {test.grade_id: test for test in result.tests}
    answers = {
        cell["metadata"].get("nbgrader", {}).get("grade_id"): cell["source"]
        for cell in result.executed.get("cells", [])
    }
    cells = tuple(
        _cell(
            cell,
            score.cells.get((result.notebook, cell.grade_id)),
            outcomes.get(cell.grade_id),
            titles.get(cell.grade_id, ""),
            answers.get(cell.grade_id, ""),
        )
        for cell in template.cells
        if cell.points is not None
    )
    return GradedNotebook(
        name=result.notebook,
        cells=cells,
        problems=(unreadable, *problems) if unreadable else problems,
        failures=result.failures,
        executed={} if unreadable else result.executed,
        ended_early="" if unreadable else result.ended_early,
    )


def _cell(
    cell: TemplateCell,
    score: CellScore | None,
    test: TestResult | None,
    title: str,
    answer: str,
) -> GradedCell:
    common: dict[str, Any] = {
        "grade_id": cell.grade_id,
        "title": title,
        "points": score.score if score else None,
        "max_points": score.max_score if score else cell.points,
        "comment": score.comment if score else "",
    }
    if not cell.is_test:
        return GradedCell(kind="task" if cell.task else "manual", source=answer, **common)
    visible = without_hidden(cell.source)
    return GradedCell(
        kind="test",
        outcome=test.outcome if test else Outcome.GRADER_FAULT,
        message=test.message if test else "",
        duration=test.duration if test else 0.0,
        source=visible,
        hidden=not visible.strip(),
        in_answer_kernel=test is not None and test.where == "answer",
        diagnosis=test.diagnosis if test else None,
        **common,
    )


def _titles(course: Course, assignment: str, name: str) -> dict[str, str]:
    """The heading above each graded cell, from the released notebook."""
    path = course.path("release", assignment) / f"{name}.ipynb"
    if not path.is_file():
        return {}
    titles: dict[str, str] = {}
    heading = ""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown" and (found := _HEADING.findall(cell.source)):
            heading = found[-1]
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id:
            titles[grade_id] = heading
    return titles
