"""What a student reads: one page a notebook, whole in one file, that asks nothing of a network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from grader.inert import clean
from grader.report.hidden import LeakGuard
from grader.report.model import GradedCell, GradedNotebook, GradedSubmission
from grader.report.notebook_view import leak_guard, view_cells
from grader.report.pages import render
from grader.report.sentences import lead, step_title
from grader.report.text import one_line, sentence
from grader.report.verdicts import Verdict, verdict
from grader.split.outcomes import Outcome

UNDRAWN = (
    "Your notebook and the messages of its tests are not shown here: they could not be drawn in "
    "the time and memory that a page may take. Your points are not touched by that."
)
WITHHELD = "(What the test said is not shown: it quotes a hidden test.)"


@dataclass(frozen=True)
class _Step:
    """One graded cell as the page lists it.

    Attributes:
        place: id of its cell on the page, or "".
        spoken: the message is a check's that did not hold; else it says what happened.
        diagnosis: the sentence of the misconception that explains the failure, or "".
    """

    title: str
    verdict: Verdict
    points: float | None
    max_points: float
    message: str
    comment: str
    hidden: bool
    place: str
    spoken: bool
    diagnosis: str

    @property
    def share(self) -> float:
        """Part of its points that was earned, 0 to 1."""
        return (self.points or 0.0) / self.max_points if self.max_points > 0 else 0.0


class _Failure(NamedTuple):
    """An exception in one of the student's cells; `place` is "" where the cell is not shown."""

    number: int
    name: str
    message: str
    place: str


def render_feedback(
    submission: GradedSubmission,
    notebook: GradedNotebook,
    *,
    show_messages: bool,
    show_notebook: bool = True,
) -> str:
    """The page about one notebook, as HTML.

    Hidden tests never reach it: of a test cell it shows the visible part, how it ended, and
    (with `show_messages`) one line of what it said.

    Args:
        submission: the submission that `notebook` belongs to.
        show_messages: whether students may read the messages of failed tests.
        show_notebook: without it the page has points and verdicts, and nothing that was written
            or printed; for a notebook that cannot be drawn.
    """
    if not show_notebook:
        notebook = replace(
            notebook, executed={}, failures=(), problems=(*notebook.problems, UNDRAWN)
        )
        show_messages = False
    guard = leak_guard(notebook)
    cells = list(view_cells(notebook, guard))
    places = {cell.name: cell.number for cell in cells if cell.name and cell.number}
    shown = {cell.number for cell in cells}
    return render(
        "feedback.html",
        assignment=one_line(submission.assignment, 100),
        student=one_line(submission.student, 100),
        notebook=one_line(notebook.name, 100),
        submission=submission,
        several=len(submission.notebooks) > 1,
        timestamp=one_line(submission.timestamp or "", 40),
        score=notebook.score,
        max_score=notebook.max_score,
        sentence=_headline(submission, notebook, guard, show_messages=show_messages),
        steps=[_step(cell, places, guard, show_messages=show_messages) for cell in notebook.cells],
        problems=[sentence(one_line(problem)) for problem in notebook.problems],
        failures=[
            _Failure(
                failure.index,
                one_line(failure.grade_id, 60),
                _unless_hidden(one_line(failure.message), guard),
                f"cell-{failure.index}" if failure.index in shown else "",
            )
            for failure in notebook.failures
        ],
        cells=cells,
    )


def _headline(
    submission: GradedSubmission,
    notebook: GradedNotebook,
    guard: LeakGuard,
    *,
    show_messages: bool,
) -> str:
    if submission.fault:
        # What went wrong on our side is for the instructor, not for this page.
        return (
            "We could not grade your work, through no fault of yours. It is not a zero: a person "
            "will look at it."
        )
    quoting = lead(notebook, messages=show_messages)
    if not guard.shows_hidden(quoting):
        return quoting
    plain = lead(notebook, messages=False)
    return "" if guard.shows_hidden(plain) else plain


def _step(
    cell: GradedCell, places: dict[str, int], guard: LeakGuard, *, show_messages: bool
) -> _Step:
    name = one_line(cell.grade_id, 60)
    # A step that never began has nothing to say; why is said once, above all steps.
    quoted = show_messages and cell.outcome is not Outcome.NOT_RUN
    message = one_line(cell.message) if quoted else ""
    return _Step(
        title=step_title(cell),
        verdict=verdict(cell),
        points=cell.points,
        max_points=cell.max_points,
        message=_unless_hidden(message, guard),
        comment=clean(cell.comment).strip(),
        hidden=cell.hidden,
        place=f"cell-{places[name]}" if name in places else "",
        spoken=cell.outcome is Outcome.FAILED,
        diagnosis=one_line(cell.misconception, 1000),
    )


def _unless_hidden(message: str, guard: LeakGuard) -> str:
    return WITHHELD if guard.shows_hidden(message) else message
