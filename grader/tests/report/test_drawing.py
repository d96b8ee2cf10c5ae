"""Pages within limits: what one notebook does to a parser is no other page's trouble."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.course import Course
from grader.report import drawing, write_feedback
from grader.report.drawing import Drawer
from grader.report.feedback import UNDRAWN
from grader.report.model import GradedNotebook, GradedSubmission
from grader.split.outcomes import Outcome

from .samples import code_cell, executed, failure, graded, markdown_cell, notebook, stream
from .samples import submission as submitted

MANY = 399  # cells; of 400 all are drawn


def page_of(drawer: Drawer, work: GradedNotebook) -> str | None:
    try:
        return drawer.draw(submitted(work), work, show_messages=True)
    finally:
        drawer.close()


def slow() -> GradedSubmission:
    """Work of which the page takes minutes."""
    failed = graded(Outcome.FAILED, message="what the test said")
    cells = executed(*[markdown_cell("\\\\[" * 6_600)] * MANY)
    return submitted(notebook(failed, executed=cells, failures=(failure(),)))


def test_a_page_that_takes_too_long_is_written_without_its_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing.drawer, "seconds", 2.0)
    course = Course(tmp_path)
    page = write_feedback(course, slow())[0].read_text(encoding="utf-8")
    assert UNDRAWN in page
    assert "Step by step" in page
    assert "what the test said" not in page
    monkeypatch.undo()
    after = write_feedback(course, submitted())[0].read_text(encoding="utf-8")
    assert UNDRAWN not in after, "the process that it cost was not replaced"
    assert "Your notebook" in after


def test_a_page_that_takes_too_much_memory_is_not_drawn() -> None:
    large = notebook(executed=executed(*[code_cell("x = 1 + 1\n" * 4_000)] * MANY))
    assert page_of(Drawer(memory=2**28), large) is None
    small = notebook(executed=executed(code_cell("x = 1", outputs=[stream("1")])))
    assert "Feedback on planning" in (page_of(Drawer(memory=2**28), small) or "")


def test_a_page_that_is_too_large_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "PAGE_CAP", 100)
    assert page_of(Drawer(), notebook()) is None


def test_an_exception_costs_the_page_and_not_the_process() -> None:
    drawer = Drawer()
    broken = notebook(executed={"cells": [{"cell_type": "code", "metadata": {}, "source": "x"}]})
    odd = notebook(name=None, executed=broken.executed)  # no name can be drawn
    assert drawer.draw(submitted(odd), odd, show_messages=True) is None
    process = drawer._process
    assert page_of(drawer, broken) is not None
    assert process is not None, "the exception was its end"
