"""What an instructor reads about a class: one page, whole in one file."""

from __future__ import annotations

import os
import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from grader.course import Course
from grader.report.files import write_atomically
from grader.report.model import GradedCell, GradedSubmission
from grader.report.pages import inline_script, render
from grader.report.sentences import count_points, short_name, step_title
from grader.report.text import count, listing, one_line, points, sentence
from grader.report.verdicts import OUTCOMES, Verdict, verdict

if TYPE_CHECKING:
    from grader.report.plots import Plot  # matplotlib takes a second to import

BINS = 10
_NUMBER = re.compile(r"\w+ (\d+(?:\.\d+)?[a-z]?)\b")


@dataclass(frozen=True)
class Step:
    """One graded cell of the assignment, over all students.

    Attributes:
        notebook: name of its notebook.
        grade_id: nbgrader's name of the cell.
        title: what people call it.
    """

    notebook: str
    grade_id: str
    title: str
    max_points: float


@dataclass(frozen=True)
class _Bin:
    """One bar of the histogram: students with at least `low` points and less than `high`."""

    low: float
    high: float
    students: int
    height: float


@dataclass(frozen=True)
class _StepResult:
    """How the class did in one step."""

    label: str
    step: Step
    passed: int
    graded: int
    mean: float
    in_answer_kernel: bool

    @property
    def rate(self) -> float:
        """Part of those graded who have all its points, 0 to 1."""
        return self.passed / self.graded if self.graded else 0.0


@dataclass(frozen=True)
class Misconception:
    """One misconception of the class.

    Attributes:
        name: of the catalogue.
        sentence: what its students read.
        students: how many have it.
        graded: how many were graded in its step.
    """

    label: str
    step: Step
    name: str
    sentence: str
    students: int
    graded: int

    @property
    def rate(self) -> float:
        """Part of those graded who have it, 0 to 1."""
        return self.students / self.graded if self.graded else 0.0


def assignment_steps(submissions: Sequence[GradedSubmission]) -> list[Step]:
    """The steps that any submission has, in the order of the notebooks."""
    steps: dict[tuple[str, str], Step] = {}
    for submission in submissions:
        for book in submission.notebooks:
            for cell in book.cells:
                step = Step(book.name, cell.grade_id, step_title(cell), cell.max_points)
                steps.setdefault((book.name, cell.grade_id), step)
    return list(steps.values())


def cells_by_step(submission: GradedSubmission) -> dict[tuple[str, str], GradedCell]:
    """A student's graded cells by (notebook, grade_id)."""
    return {
        (book.name, cell.grade_id): cell for book in submission.notebooks for cell in book.cells
    }


def render_class(
    assignment: str,
    submissions: Sequence[GradedSubmission],
    links: Mapping[str, str] | None = None,
    plots: Sequence[Plot] = (),
) -> str:
    """The class report, as HTML.

    Args:
        assignment: its name.
        submissions: one for each student.
        links: relative address of each student's feedback, where there is one.
        plots: figures of what the run took.
    """
    steps = assignment_steps(submissions)
    script, script_source = inline_script("sort.js")
    return render(
        "class.html",
        assignment=one_line(assignment, 100),
        summary=class_summary(submissions),
        bins=_histogram(submissions),
        results=[
            _result(label, step, submissions)
            for label, step in zip(_labels(steps), steps, strict=True)
        ],
        misconceptions=class_misconceptions(submissions),
        rows=[
            {
                "submission": submission,
                "student": one_line(submission.student, 100),
                "link": (links or {}).get(submission.student, ""),
                "cells": [_entry(submission, step) for step in steps],
                "sentence": one_line(submission.sentence),
            }
            for submission in submissions
        ],
        people=[
            (one_line(submission.student, 100), reason)
            for submission in submissions
            if (reason := why_a_person(submission))
        ],
        legend=list(OUTCOMES.values()),
        plots=plots,
        script=script,
        script_source=script_source,
    )


def write_class(
    course: Course,
    assignment: str,
    submissions: Sequence[GradedSubmission],
    folder: Path | None = None,
    plots: Sequence[Plot] = (),
) -> Path:
    """Write the class report with links to the feedback pages that exist.

    Args:
        folder: where it goes; `reports` in the course's folder unless given.
        plots: figures of what the run took.

    Returns:
        The page, `<assignment>.html`.

    Raises:
        StorageError: it cannot be written.
    """
    folder = course.root / "reports" if folder is None else folder
    links = {}
    for submission in submissions:
        place = course.path("feedback", submission.assignment, submission.student)
        pages = [place / f"{book.name}.html" for book in submission.notebooks]
        first = next((page for page in pages if page.is_file()), None)
        if first is not None:
            links[submission.student] = quote(Path(os.path.relpath(first, folder)).as_posix())
    page = render_class(assignment, submissions, links, plots)
    return write_atomically(folder / f"{assignment}.html", page)


def class_summary(submissions: Sequence[GradedSubmission]) -> str:
    """The class in one line: how many, mean, median, how many need a person."""
    if not submissions:
        return "No submissions."
    scores = [submission.score for submission in submissions]
    total = max(submission.max_score for submission in submissions)
    full = sum(0 < s.max_score <= s.score for s in submissions)
    person = sum(submission.needs_person for submission in submissions)
    parts = [
        count(len(submissions), "submission"),
        f"mean {points(round(statistics.fmean(scores), 1))} of {points(total)}",
        f"median {points(statistics.median(scores))}",
        f"{full} with all points",
    ]
    if person:
        parts.append(f"{person} {'needs' if person == 1 else 'need'} a person")
    return ", ".join(parts) + "."


def class_misconceptions(submissions: Sequence[GradedSubmission]) -> list[Misconception]:
    """The misconceptions that the class has: by step, and in a step the commonest first."""
    steps = assignment_steps(submissions)
    found = []
    for label, step in zip(_labels(steps), steps, strict=True):
        cells = _graded(step, submissions)
        wrong = [cell.diagnosis for cell in cells if cell.diagnosis and cell.misconception]
        sentences = {each.name: each.sentence for each in wrong}
        for name, students in Counter(each.name for each in wrong).most_common():
            said = one_line(sentences[name], 1000)
            shown = one_line(name, 100)
            found.append(Misconception(label, step, shown, said, students, len(cells)))
    return found


def why_a_person(submission: GradedSubmission) -> str:
    """Why a person must look at `submission`, as a sentence; "" where nobody must."""
    reasons = []
    if submission.fault:
        reasons.append(f"the grader failed: {one_line(submission.fault).rstrip('.')}")
    waiting = [cell for cell in submission.cells if cell.waiting]
    manual = [cell for cell in waiting if cell.kind != "test"]
    faults = [cell for cell in waiting if cell.kind == "test"]
    if faults:
        names = listing([short_name(cell) for cell in faults])
        reasons.append(f"the grader failed in {names}")
    if manual:
        names = listing([short_name(cell) for cell in manual])
        total = count_points(sum(cell.max_points for cell in manual))
        reasons.append(f"to grade by hand, {total}: {names}")
    if submission.needs_manual and not manual:
        reasons.append("something in it is to be graded by hand")
    return sentence("; ".join(reasons))


def _histogram(submissions: Sequence[GradedSubmission]) -> list[_Bin]:
    """Scores in equal bins; the last one includes full marks."""
    total = max((submission.max_score for submission in submissions), default=0.0)
    if total <= 0:
        return []
    counts = [0] * BINS
    for submission in submissions:
        counts[min(BINS - 1, int(BINS * submission.score / total))] += 1
    width, highest = total / BINS, max(counts)
    return [
        _Bin(width * index, width * (index + 1), number, number / highest)
        for index, number in enumerate(counts)
    ]


def _labels(steps: Sequence[Step]) -> list[str]:
    """Short heads of columns: the numbers in the titles where they differ, else 1, 2, 3 ..."""
    found = [_NUMBER.match(step.title) for step in steps]
    numbers = [match[1] for match in found if match]
    if len(set(numbers)) == len(steps):
        return numbers
    return [str(index) for index, _ in enumerate(steps, start=1)]


def _result(label: str, step: Step, submissions: Sequence[GradedSubmission]) -> _StepResult:
    cells = _cells(step, submissions)
    graded = _graded(step, submissions)
    return _StepResult(
        label,
        step,
        sum(cell.full for cell in graded),
        len(graded),
        statistics.fmean(cell.points or 0.0 for cell in graded) if graded else 0.0,
        any(cell.in_answer_kernel for cell in cells),
    )


def _cells(step: Step, submissions: Sequence[GradedSubmission]) -> list[GradedCell]:
    cells = [cells_by_step(s).get((step.notebook, step.grade_id)) for s in submissions]
    return [cell for cell in cells if cell is not None]


def _graded(step: Step, submissions: Sequence[GradedSubmission]) -> list[GradedCell]:
    return [cell for cell in _cells(step, submissions) if not cell.waiting]


def _entry(submission: GradedSubmission, step: Step) -> tuple[Verdict, GradedCell] | None:
    cell = cells_by_step(submission).get((step.notebook, step.grade_id))
    return None if cell is None else (verdict(cell), cell)
