"""One line says what a cell is; nbgrader gets its own metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode
from nbgrader.nbgraderformat import MetadataValidator

from grader import checking
from grader.errors import ReleaseError
from grader.release.sources import notebook_from_text
from grader.tests.release.conftest import HEAD

FLAGS = ("grade", "locked", "solution", "task")


def code(role: str, body: str = "x = 1", more: str = "") -> str:
    return f"```{{code-cell}} ipython3\n:grader: {role}\n{more}{body}\n```\n\n"


def markdown(role: str, body: str = "Because.") -> str:
    return f'+++ {{"grader": "{role}"}}\n\n{body}\n\n'


def read(*cells: str) -> list[NotebookNode]:
    cells_of: list[NotebookNode] = notebook_from_text(HEAD + "".join(cells), "a.md").cells
    return cells_of


def settings(flags: str, grade_id: str, **more: Any) -> dict[str, Any]:
    set_ones = {flag: flag in flags.split() for flag in FLAGS}
    return {"grade_id": grade_id, "schema_version": 3, **set_ones, **more}


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (code("given worlds"), settings("locked", "worlds")),
        (code("answer step1_backup"), settings("solution", "step1_backup")),
        (code("test step1_backup 3"), settings("grade locked", "test_step1_backup", points=3)),
        (code("test half 0.5"), settings("grade locked", "test_half", points=0.5)),
        (code("test none 0"), settings("grade locked", "test_none", points=0)),
        (code("written by_hand 2"), settings("grade solution", "by_hand", points=2)),
        (markdown("written why 4"), settings("grade solution", "why", points=4)),
        (markdown("task draw 1.5"), settings("locked task", "draw", points=1.5)),
        (markdown("given note"), settings("locked", "note")),
    ],
)
def test_a_role_is_standard_metadata(cell: str, expected: dict[str, Any]) -> None:
    cells = read(cell)
    assert [each.metadata for each in cells] == [{"nbgrader": expected}]
    MetadataValidator().validate_nb(notebook_from_text(HEAD + cell, "a.md"))


def test_points_are_numbers_of_the_type_that_was_written() -> None:
    whole, half = read(code("test a 3"), code("test b 3.0"))
    assert type(whole.metadata.nbgrader.points) is int
    assert type(half.metadata.nbgrader.points) is float


def test_the_parameters_cell_is_tagged_for_papermill() -> None:
    plain, tagged, already = (
        read(code("parameters", more=more))[0]
        for more in ("", ":tags: [hide-input]\n", ":tags: [parameters]\n")
    )
    assert plain.metadata == {
        "nbgrader": settings("locked", "parameters"),
        "tags": ["parameters"],
    }
    assert tagged.metadata["tags"] == ["hide-input", "parameters"]
    assert already.metadata["tags"] == ["parameters"]


@pytest.mark.parametrize("body", ["", "# grader/checking.py", "\n"])
def test_the_strict_checks_are_included_verbatim(body: str) -> None:
    [cell] = read(code("checking", body))
    assert cell.source == Path(checking.__file__).read_text("utf-8").strip()
    assert cell.metadata == {"nbgrader": settings("locked", "checking")}


def test_the_included_checks_need_nothing_of_the_grader() -> None:
    [cell] = read(code("checking", ""))
    names: dict[str, Any] = {}
    exec(compile(cell.source, "checking", "exec"), names)
    names["assert_close"](1.0, 1.0, name="x")
    assert "import grader" not in cell.source
    assert "from grader" not in cell.source


def test_code_in_the_cell_of_the_checks_is_not_lost_in_silence() -> None:
    with pytest.raises(ReleaseError, match=r"Cell 1 of a\.md.* receives the strict checks"):
        read(code("checking", "x = 1"))


@pytest.mark.parametrize(
    "role",
    [
        "answr step1",
        "answer",
        "answer step 1",
        "test step1",
        "test step1 three",
        "test step1 -1",
        "test step1 1e3",
        "test step1 nan",
        "task draw 2",
        "parameters here",
        "Given worlds",
        "[given, worlds]",
        "{include: checking}",
        "5",
        "",
    ],
)
def test_a_malformed_role_names_its_cell_and_what_is_allowed(role: str) -> None:
    with pytest.raises(ReleaseError) as caught:
        read("Prose.\n\n", code(role, "def f():\n    pass"))
    said = str(caught.value)
    assert said.startswith("Cell 2 of a.md, which begins 'def f():', says `grader: ")
    assert said.endswith(
        "a code cell may be: parameters, checking, given NAME, answer NAME, test NAME POINTS, "
        "written NAME POINTS."
    )


@pytest.mark.parametrize(
    "role", ["answer why", "test why 2", "parameters", "checking", "written a"]
)
def test_what_markdown_cannot_be(role: str) -> None:
    with pytest.raises(ReleaseError) as caught:
        read(markdown(role))
    said = str(caught.value)
    assert said.startswith("Cell 1 of a.md, which begins 'Because.', says `grader: ")
    assert said.endswith(
        "a markdown cell may be: given NAME, written NAME POINTS, task NAME POINTS."
    )


def test_a_role_beside_nbgraders_metadata_is_refused() -> None:
    with pytest.raises(ReleaseError, match=r"has a role \(given x\) and nbgrader's metadata"):
        read(code("given x", more=":nbgrader: {grade_id: y}\n"))


def test_two_roles_of_one_name_are_refused() -> None:
    with pytest.raises(ReleaseError, match=r"Two cells of a\.md have the grade_id 'test_a'"):
        read(code("given test_a"), code("test a 1"))
