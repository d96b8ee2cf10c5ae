"""Graded work to report on, with each part replaceable."""

from __future__ import annotations

from typing import Any

from bs4 import BeautifulSoup

from grader.report.model import GradedCell, GradedNotebook, GradedSubmission
from grader.split.outcomes import CellFailure, Outcome

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
SECRET = "planted_reference = np.linalg.solve(A, b)"
VISIBLE = "V = evaluate(P, R, 0.9, policy)\nassert V.shape == (3,)"
TEST = f"{VISIBLE}\n### BEGIN HIDDEN TESTS\n{SECRET}\nassert V[0] == 4\n### END HIDDEN TESTS"


def graded(outcome: Outcome | None = Outcome.PASSED, **changes: Any) -> GradedCell:
    full = 4.0 if outcome is Outcome.PASSED else 0.0
    values: dict[str, Any] = {
        "grade_id": "test_step1",
        "title": "Step 1: policy evaluation",
        "points": None if outcome in (None, Outcome.GRADER_FAULT) else full,
        "max_points": 4.0,
        "kind": "test",
        "outcome": outcome,
        "source": VISIBLE,
    }
    return GradedCell(**{**values, **changes})


def markdown_cell(source: str, **extra: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source, **extra}


def code_cell(
    source: str, grade_id: str = "", outputs: list[Any] | None = None, **flags: Any
) -> dict[str, Any]:
    nbgrader = {"grade_id": grade_id, "grade": False, "solution": False, "locked": False, **flags}
    return {
        "cell_type": "code",
        "metadata": {"nbgrader": nbgrader} if grade_id else {},
        "source": source,
        "outputs": outputs or [],
    }


def checked_cell(source: str = TEST, outputs: list[Any] | None = None) -> dict[str, Any]:
    return code_cell(source, "test_step1", outputs, grade=True, locked=True)


def executed(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def notebook(*cells: GradedCell, **changes: Any) -> GradedNotebook:
    values: dict[str, Any] = {
        "name": "planning",
        "cells": cells or (graded(),),
        "problems": (),
        "failures": (),
        "executed": executed(code_cell("x = 1", "step1"), checked_cell()),
    }
    return GradedNotebook(**{**values, **changes})


def submission(*notebooks: GradedNotebook, **changes: Any) -> GradedSubmission:
    values: dict[str, Any] = {
        "student": "hopper",
        "assignment": "planning",
        "notebooks": notebooks or (notebook(),),
        "wall": 2.0,
        "peak_memory": 150 * 2**20,
    }
    return GradedSubmission(**{**values, **changes})


def failure(**changes: Any) -> CellFailure:
    values = {"grade_id": "step1", "index": 1, "message": "NameError: name 'x' is not defined"}
    return CellFailure(**{**values, **changes})


def stream(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def display(**data: Any) -> dict[str, Any]:
    named = {name.replace("__", "+").replace("_", "/"): value for name, value in data.items()}
    return {"output_type": "display_data", "data": named, "metadata": {}}


def active_parts(page: str) -> list[str]:
    """What in `page` could act, load or lead away: empty for a page that is safe."""
    soup = BeautifulSoup(page, "html.parser")
    found = [str(tag)[:200] for tag in soup.find_all(True) if tag.name in _ACTIVE]
    for tag in soup.find_all(True):
        for name, value in tag.attrs.items():
            address = name in {"href", "src", "action", "srcset", "data", "xlink:href", "poster"}
            safe = str(value).startswith(("#", "data:image/png;base64,", "../feedback/"))
            if name.startswith("on") or (address and not safe):
                found.append(f"{tag.name} {name}={value}"[:200])
            if name == "style" and "url" in str(value):
                found.append(f"{tag.name} {name}={value}"[:200])
    return found


_ACTIVE = {
    *("iframe", "object", "embed", "form", "input", "textarea", "select", "svg", "mglyph", "link"),
    *("base", "audio", "video", "template", "noscript", "frame", "frameset", "portal"),
}


def scripts(page: str) -> list[str]:
    return [tag.text for tag in BeautifulSoup(page, "html.parser").find_all("script")]


def words(page: str) -> str:
    """The text that a reader of `page` sees, spaces pressed together."""
    soup = BeautifulSoup(page, "html.parser")
    return " ".join(soup.body.get_text(" ").split()) if soup.body else ""
