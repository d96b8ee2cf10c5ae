"""What happened, in plain words: to one step, to one notebook, to one submission."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from grader.report.text import count, listing, one_line, points, sentence
from grader.report.verdicts import OUTCOMES, PARTLY
from grader.split.outcomes import CellFailure, Outcome

if TYPE_CHECKING:
    from grader.report.model import GradedCell, GradedNotebook, GradedSubmission

SENTENCE_CAP = 240
_MORE = "; and more"
_NAMED = 4
"""Steps that a sentence names one by one; more are only counted."""

_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(?::|\Z)")
"""An exception's name, and its message where it has one; anything else is a sentence of ours."""

_MARKS = re.compile(r"[`$]|\*\*")
_POINTS = re.compile(r"\s*[(\[]\d+(?:\.\d+)? (?:points?|pts?)\b[^()\[\]]*[)\]]\s*\Z")
_NUMBERED = re.compile(r"\w+ \d+(?:\.\d+)?[a-z]?\b")


def step_title(cell: GradedCell, cap: int = 120) -> str:
    """A step's name for a heading: its title without Markdown and without its points."""
    title = _POINTS.sub("", _MARKS.sub("", one_line(cell.title, 300)))
    return one_line(title, cap) or one_line(cell.grade_id, 60)


def short_name(cell: GradedCell) -> str:
    """A step's name for a sentence: "Step 2" of "Step 2: policy improvement"."""
    title = step_title(cell, 40)
    numbered = _NUMBERED.match(title)
    return numbered[0] if numbered else title


def about_failure(failure: CellFailure) -> str:
    """A failed cell of the student's: "cell 5 (step3_iterate) stopped with NameError: ..."."""
    name = f" ({one_line(failure.grade_id, 40)})" if failure.grade_id else ""
    said = _said(failure.message, 80)
    what = f" stopped with {said}" if _EXCEPTION.match(said) else f": {_lower(said)}"
    return f"cell {failure.index}{name}{what}"


def about_submission(submission: GradedSubmission, *, messages: bool = True) -> str:
    """One sentence about all that a student handed in, the most important thing first.

    Args:
        messages: whether what tests said may be quoted.
    """
    if submission.fault:
        return one_line(
            f"Not graded, through a fault of ours: {sentence(submission.fault)}", SENTENCE_CAP
        )
    books = submission.notebooks
    if not books:
        return "Nothing was handed in."
    late = submission.late_penalty
    if len(books) == 1:
        return about_notebook(books[0], messages=messages, late_penalty=late)
    score, total = submission.score, submission.max_score
    reasons = [
        f"{one_line(book.name, 40)}: {reason}"
        for book in books
        for reason in _reasons(book, messages=messages)
    ]
    return _compose(score, total, reasons, late, [p for b in books for p in b.problems])


def about_notebook(
    notebook: GradedNotebook, *, messages: bool = True, late_penalty: float = 0.0
) -> str:
    """One sentence about one notebook.

    Args:
        messages: whether what tests said may be quoted.
        late_penalty: points that the whole submission lost for lateness.
    """
    if _never_ran(notebook):
        first, *rest = notebook.problems or ("The notebook was not run.",)
        return _with_notes(sentence(first), rest)
    if notebook.ended_early:
        return _with_notes(sentence(one_line(notebook.ended_early)), notebook.problems)
    score = max(0.0, notebook.score - late_penalty)
    reasons = _reasons(notebook, messages=messages)
    return _compose(score, notebook.max_score, reasons, late_penalty, notebook.problems)


def lead(notebook: GradedNotebook, *, messages: bool) -> str:
    """The sentence under the score of a notebook's own page: why points are missing."""
    if notebook.max_score == 0:
        return "Nothing in this notebook carries points."
    reasons = _reasons(notebook, messages=messages)
    return sentence(_joined(reasons)) if reasons else "All points."


def _compose(
    score: float,
    total: float,
    reasons: list[str],
    late_penalty: float,
    problems: Sequence[str],
) -> str:
    if total == 0:
        return _with_notes("Nothing in it carries points.", problems)
    if late_penalty:
        reasons = [*reasons, f"{count_points(late_penalty)} taken off for lateness"]
    if not reasons:
        return _with_notes(f"All {count_points(total)}.", problems)
    text = _joined([f"{points(score)} of {points(total)}: {reasons[0]}", *reasons[1:]])
    return _with_notes(sentence(text), problems)


def _joined(reasons: list[str]) -> str:
    """As many of the reasons as fit into a sentence."""
    text = reasons[0]
    for reason in reasons[1:]:
        if len(text) + len(reason) > SENTENCE_CAP - len(_MORE):
            return text + _MORE
        text = f"{text}; {reason}"
    return text


def _with_notes(text: str, problems: Sequence[str]) -> str:
    """`text`, then the first note of intake where it fits, then how many more there are."""
    left = len(problems)
    first = sentence(one_line(problems[0])) if problems else ""
    if first and len(text) + len(first) < SENTENCE_CAP:
        text, left = f"{text} {first}", left - 1
    if left:
        text = f"{text} ({count(left, 'more note')}.)"
    return one_line(text, SENTENCE_CAP + len(" (999 more notes.)"))


def _lower(text: str) -> str:
    """A sentence as part of another one."""
    return text[:1].lower() + text[1:]


def _said(message: str, cap: int = 120) -> str:
    return one_line(message, cap).rstrip(".: ")


def _never_ran(notebook: GradedNotebook) -> bool:
    tests = [cell.outcome for cell in notebook.cells if cell.kind == "test"]
    ran = any(outcome not in (None, Outcome.NOT_RUN) for outcome in tests)
    return not notebook.executed and not notebook.ended_early and not ran


def _reasons(notebook: GradedNotebook, *, messages: bool) -> list[str]:
    """Why points are missing, as parts of a sentence, the most important first."""
    if _never_ran(notebook):
        return [_said(next(iter(notebook.problems), "was not run"))]
    if notebook.ended_early:
        return [_said(notebook.ended_early)]
    tests = [cell for cell in notebook.cells if cell.kind == "test"]
    faults = [cell for cell in tests if cell.outcome is Outcome.GRADER_FAULT]
    lost = [cell for cell in tests if cell not in faults and not cell.full]
    parts = [_group(faults, Outcome.GRADER_FAULT)] if faults else []
    if lost and notebook.failures:
        parts.append(about_failure(notebook.failures[0]))
    if len(lost) == len(tests) > 1 and all(not cell.points for cell in lost):
        parts.append("no test passed" + _shared_message(lost, messages=messages))
    else:
        parts += _losses(lost, messages=messages)
    by_hand = [c for c in notebook.cells if c.kind != "test"]
    waiting = sum(c.max_points for c in by_hand if c.points is None)
    if waiting:
        parts.append(f"{count_points(waiting)} wait for a person")
    missed = sum(c.max_points - c.points for c in by_hand if c.points is not None and not c.full)
    if missed:
        parts.append(f"{count_points(missed)} lost in answers graded by a person")
    return parts


def count_points(value: float) -> str:
    """Points with their noun: "1 point", "2.5 points"."""
    return f"{points(value)} point{'' if value == 1 else 's'}"


def _losses(lost: list[GradedCell], *, messages: bool) -> list[str]:
    """The steps that lost points, grouped by how they ended, in order of first appearance."""
    groups: dict[Outcome, list[GradedCell]] = {}
    for cell in lost:
        groups.setdefault(cell.outcome or Outcome.NOT_RUN, []).append(cell)
    return [
        _group(cells, outcome) + _shared_message(cells, messages=messages)
        for outcome, cells in groups.items()
    ]


def _group(cells: list[GradedCell], outcome: Outcome) -> str:
    said = PARTLY if outcome is Outcome.PASSED else OUTCOMES[outcome]
    if len(cells) > _NAMED:
        return f"{len(cells)} steps {said.lost_many}"
    if len(cells) > 1:
        return f"{listing([short_name(cell) for cell in cells])} {said.lost_many}"
    lost = said.lost.replace("its test", "its hidden test") if cells[0].hidden else said.lost
    return f"{short_name(cells[0])} {lost}"


def _shared_message(cells: list[GradedCell], *, messages: bool) -> str:
    """What the tests said, in brackets, where all of `cells` said the same."""
    said = {_quote(cell) for cell in cells}
    return f" ({said.pop()})" if messages and len(said) == 1 and "" not in said else ""


def _quote(cell: GradedCell) -> str:
    """What there is to quote about a step that lost points; "" for one that never began.

    Tests speak when they fail or raise; about a limit the grader speaks, in a whole sentence.
    """
    if cell.outcome is Outcome.NOT_RUN:
        return ""
    spoken = cell.outcome in (Outcome.FAILED, Outcome.ERRORED)
    return _said(cell.message) if spoken else _lower(_said(cell.message))
