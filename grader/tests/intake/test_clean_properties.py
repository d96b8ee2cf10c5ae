"""Any list of cells, honest, careless or hostile, becomes a notebook that can be graded."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from grader.intake import clean_notebook
from grader.tests.intake.support import TEMPLATE, answered, check, clean, find, grade_id, order

NAMES = [cell.grade_id for cell in TEMPLATE.cells]
TEXT = st.text(max_size=12) | st.sampled_from([cell.source for cell in TEMPLATE.cells])
ODD = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.lists(TEXT, max_size=2)
MARK = st.fixed_dictionaries(
    {"grade_id": st.sampled_from(NAMES) | TEXT | ODD},
    optional=dict.fromkeys(("points", "grade", "solution", "locked", "schema_version"), ODD),
)
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "nbgrader": MARK | ODD,
        "tags": st.lists(st.sampled_from(["skip-execution", "parameters"]), max_size=2) | ODD,
    },
)
CELL = st.fixed_dictionaries(
    {
        "cell_type": st.sampled_from(["code", "markdown", "raw"]),
        "source": TEXT | st.lists(TEXT, max_size=3),
        "metadata": METADATA | ODD,
    },
    optional={
        "outputs": ODD,
        "id": ODD,
        "attachments": ODD | st.dictionaries(TEXT, st.dictionaries(TEXT, ODD, max_size=2)),
    },
)
SHUFFLED = st.lists(st.sampled_from(answered()["cells"]) | CELL, max_size=14)


@settings(deadline=None, max_examples=150)
@given(SHUFFLED, ODD)
def test_any_list_of_cells_becomes_a_clean_notebook(cells: list[Any], metadata: Any) -> None:
    data = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    result = clean(json.dumps(data).encode())
    assert result.unreadable == ""
    locked = [cell for cell in TEMPLATE.cells if cell.locked]
    for cell in locked:
        found = [c for c in result.notebook.cells if c.metadata and grade_id(c) == cell.grade_id]
        assert [(c.source, c.cell_type) for c in found] == [(cell.source, cell.cell_type)]


@settings(deadline=None, max_examples=50)
@given(SHUFFLED)
def test_what_the_student_wrote_runs_in_its_order(cells: list[Any]) -> None:
    result = clean({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    locked = {cell.grade_id for cell in TEMPLATE.cells if cell.locked}

    def name(cell: Any) -> Any:
        mark = cell["metadata"].get("nbgrader") if isinstance(cell["metadata"], dict) else None
        return mark.get("grade_id") if isinstance(mark, dict) else None

    def text(source: Any) -> str:
        joined = "".join(source) if isinstance(source, list) else source
        return joined.encode("utf-8", "replace").decode("utf-8")

    wrote = [
        text(c["source"]) for c in cells if not (isinstance(name(c), str) and name(c) in locked)
    ]
    runs = [c.source for c in result.notebook.cells if not (c.metadata and grade_id(c) in locked)]
    # answer cells that were deleted come back empty
    assert [source for source in runs if source] == [source for source in wrote if source]


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.randoms())
def test_honest_answers_arrive_unchanged(f: str, g: str, prose: str, random: Any) -> None:
    notebook = answered()
    answers = {"f": f, "g": g, "prose": prose}
    for grade, source in answers.items():
        find(notebook, grade)["source"] = random.choice([source, source.splitlines(keepends=True)])
    result = clean(notebook)
    assert result.problems == ()
    assert order(result) == NAMES
    arrived = {grade_id(c): c.source for c in result.notebook.cells if c.metadata}
    for grade, source in answers.items():
        assert arrived[grade] == source.encode("utf-8", "replace").decode("utf-8")


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200))
def test_any_bytes_become_a_notebook(raw: bytes) -> None:
    result = clean_notebook(raw, TEMPLATE)
    check(result)
    assert result.unreadable


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_damaged_notebook_is_read_or_refused(data: st.DataObject) -> None:
    raw = bytearray(json.dumps(answered()).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    check(clean_notebook(bytes(raw), TEMPLATE))
