"""What the student wrote stays, what the instructor wrote comes back, whatever was done to it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from grader.intake import clean_notebook
from grader.tests.intake.support import (
    ANSWER,
    LOCKED,
    PNG,
    STUB,
    TEMPLATE,
    answered,
    check,
    clean,
    find,
    order,
    plain,
    released,
    source_of,
)

ORDER = [cell.grade_id for cell in TEMPLATE.cells]
FIXED = [cell.grade_id for cell in LOCKED]


def test_an_honest_notebook_keeps_its_answers() -> None:
    result = clean(answered())
    assert (result.problems, result.unreadable) == ((), "")
    assert order(result) == ORDER
    assert source_of(result, "f") == ANSWER
    assert source_of(result, "g") == "g = 5"
    assert source_of(result, "prose") == "Because."
    titles = [cell.source for cell in result.notebook.cells if not cell.metadata]
    assert titles == [f"## Step {at}" for at in range(len(ORDER))]


def test_the_released_notebook_has_no_problems() -> None:
    result = clean(released())
    assert result.problems == ()
    assert source_of(result, "f") == STUB


def test_hidden_tests_are_back_in_their_cell() -> None:
    assert "assert f(7) == 8" in source_of(clean(answered()), "test_f")


def test_cleaning_twice_changes_nothing() -> None:
    once = clean(answered())
    twice = clean(json.loads(json.dumps(once.notebook)))
    assert twice.notebook == once.notebook


@pytest.mark.parametrize("name", ["parameters", "rules", "test_f", "helper", "test_g", "task"])
def test_a_deleted_instructor_cell_comes_back_in_its_place(name: str) -> None:
    notebook = answered()
    notebook["cells"].remove(find(notebook, name))
    result = clean(notebook)
    assert order(result) == ORDER
    [problem] = result.problems
    assert f" {name} " in problem
    assert ("test cell" in problem) == name.startswith("test_")


@pytest.mark.parametrize("name", ["f", "g", "prose"])
def test_a_deleted_answer_cell_comes_back_empty(name: str) -> None:
    notebook = answered()
    cell = find(notebook, name)
    # the answer may stand in a cell of the student's own; the stub must not overwrite it
    cell["metadata"] = {}
    result = clean(notebook)
    assert source_of(result, name) == ""
    assert cell["source"] in [c.source for c in result.notebook.cells]
    [problem] = result.problems
    assert f"answer cell {name} " in problem


def test_all_cells_deleted() -> None:
    result = clean({**answered(), "cells": []})
    assert order(result) == ORDER
    assert len(result.problems) == len(ORDER)


@pytest.mark.parametrize("name", [cell.grade_id for cell in LOCKED])
@pytest.mark.parametrize("edit", ["", "pass", "{}\n# passed", "    {}"])
def test_an_edited_instructor_cell_is_restored(name: str, edit: str) -> None:
    notebook = answered()
    cell = find(notebook, name)
    cell["source"] = edit.format(cell["source"])
    result = clean(notebook)
    [problem] = result.problems
    assert f" {name} was changed" in problem


@pytest.mark.parametrize("name", [cell.grade_id for cell in LOCKED])
def test_blank_lines_and_trailing_spaces_are_no_edit(name: str) -> None:
    notebook = answered()
    cell = find(notebook, name)
    cell["source"] = "\n" + cell["source"].replace("\n", "  \r\n\n") + "\n\n"
    assert clean(notebook).problems == ()


@pytest.mark.parametrize("marker", ["### {} HIDDEN TESTS", "# {} HIDDEN TESTS", "#{} HIDDEN TESTS"])
def test_markers_as_nbgrader_reads_them(marker: str) -> None:
    hidden = f"{marker.format('BEGIN')}\nassert f(7) == 8\n{marker.format('END')}\nassert f(0)"
    changes = {"source": f"assert f(1) == 2\n{hidden}"}
    cells = [
        type(cell)(**{**vars(cell), **(changes if cell.grade_id == "test_f" else {})})
        for cell in TEMPLATE.cells
    ]
    template = type(TEMPLATE)("hw", tuple(cells), TEMPLATE.kernelspec)
    notebook = answered()
    find(notebook, "test_f")["source"] = "assert f(1) == 2\nassert f(0)"
    assert clean(notebook, template).problems == ()


@pytest.mark.parametrize("name", ["parameters", "test_f", "rules"])
def test_a_doubled_instructor_cell_stands_once(name: str) -> None:
    notebook = answered()
    cell = find(notebook, name)
    notebook["cells"] += [cell, cell]
    result = clean(notebook)
    assert [each for each in order(result) if each in FIXED] == FIXED
    assert result.problems == (
        f"The cell {name} is there more than once; its last copy was graded.",
    )


def test_the_last_of_two_answers_is_graded_and_the_first_still_runs() -> None:
    notebook = answered()
    at = notebook["cells"].index(find(notebook, "f"))
    notebook["cells"].insert(at, {**find(notebook, "f"), "source": "import math"})
    result = clean(notebook)
    assert source_of(result, "f") == ANSWER
    where = order(result)
    assert where[: where.index("f")] == ["parameters", "rules", "import math"]
    [problem] = result.problems
    assert "cell f is there more than once" in problem


def test_two_thousand_copies_are_one_problem() -> None:
    notebook = answered()
    notebook["cells"] += [find(notebook, "test_f")] * 1900
    result = clean(notebook)
    assert len(result.problems) == 1
    assert order(result).count("test_f") == 1


@pytest.mark.parametrize("name", ["test_f", "prose", "f"])
@pytest.mark.parametrize("kind", ["code", "markdown", "raw"])
def test_a_changed_type_is_changed_back(name: str, kind: str) -> None:
    notebook = answered()
    cell = find(notebook, name)
    honest = cell["cell_type"] == kind
    cell["cell_type"] = kind
    cell["attachments"] = {"a": {"image/png": PNG}}
    result = clean(notebook)
    assert len(result.problems) == (not honest)
    if not honest:
        assert f"type of the cell {name}" in result.problems[0]
    assert source_of(result, "f") == ANSWER


def test_the_students_cells_keep_their_order_and_the_instructors_keep_theirs() -> None:
    notebook = answered()
    notebook["cells"].reverse()
    result = clean(notebook)
    assert [name for name in order(result) if name in FIXED] == FIXED
    assert [name for name in order(result) if name not in FIXED] == ["prose", "g", "f"]
    [problem] = result.problems
    assert problem.startswith("Cells of the assignment were moved (")


@pytest.mark.parametrize("name", ["parameters", "test_f", "helper", "test_g"])
@pytest.mark.parametrize("place", [0, 6, 11, 17])
def test_a_moved_cell_of_the_instructors_goes_back(name: str, place: int) -> None:
    notebook = answered()
    cell = find(notebook, name)
    notebook["cells"].remove(cell)
    notebook["cells"].insert(place, cell)
    result = clean(notebook)
    assert [name for name in order(result) if name in FIXED] == FIXED
    if name in ("parameters", "helper"):
        assert order(result).index("f") < order(result).index("test_f")
        assert order(result).index("g") < order(result).index("test_g")


def test_steps_that_were_exchanged_still_run_before_their_tests() -> None:
    notebook = answered()
    cells = notebook["cells"]
    at = cells.index(find(notebook, "f"))
    end = cells.index(find(notebook, "test_f")) + 1
    block = [*cells[at:end], plain("of_my_own = f")]
    notebook["cells"] = [*cells[:at], *cells[end:], *block]
    result = clean(notebook)
    runs = order(result)
    assert [name for name in runs if name in FIXED] == FIXED
    assert runs.index("f") < runs.index("test_f")
    assert runs.index("g") < runs.index("test_g")
    assert runs.index("g") < runs.index("f") < runs.index("of_my_own = f"), "in their own order"


def test_an_answer_that_was_put_behind_its_test_stays_there() -> None:
    """As in stock nbgrader, which runs what it is given."""
    notebook = answered()
    cell = find(notebook, "f")
    notebook["cells"].remove(cell)
    notebook["cells"].insert(notebook["cells"].index(find(notebook, "helper")), cell)
    runs = order(clean(notebook))
    assert runs[2:5] == ["test_f", "f", "helper"]


def test_an_own_cell_runs_after_what_it_was_written_below() -> None:
    notebook = answered()
    at = notebook["cells"].index(find(notebook, "test_f"))
    notebook["cells"][at + 1 : at + 1] = [plain("after_f = 1")]
    moved = find(notebook, "helper")
    notebook["cells"].remove(moved)
    notebook["cells"].append(moved)
    runs = order(clean(notebook))
    assert runs.index("test_f") < runs.index("after_f = 1") < runs.index("test_g")


def test_added_cells_stay_in_order_and_lose_their_metadata() -> None:
    notebook = answered()
    at = notebook["cells"].index(find(notebook, "test_f"))
    metadata = {"tags": ["skip-execution"], "nbgrader": {"grade_id": "mine", "points": 100}}
    notebook["cells"].insert(at, plain("one = 1", metadata=metadata))
    notebook["cells"].insert(at + 1, plain("two = 2", metadata={"collapsed": True}))
    notebook["cells"].append(plain("three = 3"))
    result = clean(notebook)
    assert result.problems == ()
    expected = [*ORDER[:3], "one = 1", "two = 2", *ORDER[3:], "three = 3"]
    assert order(result) == expected


@pytest.mark.parametrize("name", ORDER)
@pytest.mark.parametrize(
    "metadata",
    [
        {"tags": ["skip-execution"]},
        {"tags": ["raises-exception", "parameters", "injected-parameters"]},
        {"tags": "skip-execution"},
        {"papermill": {"status": "completed"}, "execution": {}, "trusted": True},
        {"jupyter": {"source_hidden": True}, "editable": True, "deletable": 3},
        {"lines_to_next_cell": float("nan"), "\ud800": 1},
    ],
    ids=range(6),
)
def test_tags_and_metadata_that_steer_execution_are_dropped(
    name: str, metadata: dict[str, Any]
) -> None:
    notebook = answered()
    find(notebook, name)["metadata"] |= metadata
    assert clean(notebook).notebook == clean(answered()).notebook


@pytest.mark.parametrize("name", ORDER)
@pytest.mark.parametrize(
    "forged",
    [
        {"points": 1000},
        {"points": "NaN"},
        {"points": float("inf")},
        {"schema_version": 1},
        {"schema_version": 10**30},
        {"schema_version": None},
        {"grade": True, "solution": True, "locked": True, "task": True},
        {"grade": False, "solution": False, "locked": False, "task": False},
        {"checksum": "0" * 32, "cell_type": "raw"},
        {"locked": "no", "grade": [], "extra": {"deep": {}}},
    ],
    ids=range(10),
)
def test_forged_settings_are_dropped(name: str, forged: dict[str, Any]) -> None:
    notebook = answered()
    find(notebook, name)["metadata"]["nbgrader"] |= forged
    result = clean(notebook)
    assert result.notebook == clean(answered()).notebook
    assert result.problems == ()


@pytest.mark.parametrize("grade_id", ["", "F", "f ", " f", "f\x00", "unknown", "../f", "\ud800"])
def test_an_unknown_name_is_an_added_cell(grade_id: str) -> None:
    notebook = answered()
    find(notebook, "f")["metadata"]["nbgrader"]["grade_id"] = grade_id
    result = clean(notebook)
    assert ANSWER in order(result)
    assert source_of(result, "f") == ""


def test_swapped_names_do_not_swap_tests() -> None:
    notebook = answered()
    first, second = find(notebook, "test_f"), find(notebook, "f")
    first["metadata"], second["metadata"] = second["metadata"], first["metadata"]
    result = clean(notebook)
    assert [name for name in order(result) if name in FIXED] == FIXED
    assert source_of(result, "f") == "assert f(1) == 2"


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "bash", "display_name": "sh", "language": "bash"}},
        {"kernelspec": {"name": "/tmp/evil", "argv": ["sh"]}, "language_info": {"name": "R"}},
        {"kernelspec": None, "papermill": {"parameters": {"SEED": 7}}},
        {"widgets": {"application/vnd.jupyter.widget-state+json": {}}},
        {},
        None,
        [],
        "x",
    ],
    ids=range(8),
)
def test_the_kernel_is_the_instructors(metadata: Any) -> None:
    result = clean({**answered(), "metadata": metadata})
    assert result.notebook == clean(answered()).notebook


def test_outputs_are_dropped() -> None:
    notebook = answered()
    for cell in notebook["cells"]:
        cell["outputs"] = [{"output_type": "execute_result", "data": {"text/html": "<script>"}}]
        cell["execution_count"] = 10**9
    assert clean(notebook).notebook == clean(answered()).notebook


def test_images_stay_with_written_answers_alone() -> None:
    notebook = answered()
    for cell in notebook["cells"]:
        cell["attachments"] = {"scan.png": {"image/png": PNG, "text/html": "<script>"}}
    kept = [c for c in clean(notebook).notebook.cells if "attachments" in c]
    assert {c.source for c in kept} > {"Because."}
    assert all(c.cell_type == "markdown" for c in kept)
    assert all(c.attachments == {"scan.png": {"image/png": PNG}} for c in kept)


def test_cell_ids_of_the_student_are_not_trusted() -> None:
    notebook = answered()
    for cell in notebook["cells"]:
        cell["id"] = "same id, and not a valid one/"
    assert clean(notebook).notebook == clean(answered()).notebook


def test_no_file() -> None:
    result = clean_notebook(None, TEMPLATE)
    check(result)
    assert "hw.ipynb" in result.unreadable
    assert order(result) == ORDER
    assert source_of(result, "f") == STUB


def test_a_file_that_must_not_be_looked_at() -> None:
    result = clean_notebook(json.dumps(answered()).encode(), TEMPLATE, unreadable="Too large.")
    check(result)
    assert result.unreadable == "Too large."
    assert source_of(result, "f") == STUB
    assert result.problems == ()
