"""Bytes that claim to be a notebook: any of them ends in cells or in one sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.intake.parse import MAX_CELLS, SubmittedCell, Unreadable, parse_cells
from grader.tests.intake.support import PNG, answered, clean, plain

RECURSIVE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["cells", "cell_type", "source", "metadata", "nbgrader", "nbformat", "worksheets"]
            )
            | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


def cells_of(*cells: Any, **changes: Any) -> list[SubmittedCell]:
    return parse_cells(json.dumps({"nbformat": 4, "cells": list(cells), **changes}).encode())


def reason(raw: bytes) -> str:
    """Why the bytes are refused; the whole of intake then still gives a notebook."""
    with pytest.raises(Unreadable) as caught:
        parse_cells(raw)
    assert clean(raw).unreadable == str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("raw", [b"", b" \n\t ", b"\x0c"])
def test_empty_files(raw: bytes) -> None:
    assert reason(raw) == "The file is empty."


@pytest.mark.parametrize(
    "raw",
    [
        b"print('hello')",
        b"{",
        b"\xff\xfe\x00",
        b"PK\x03\x04",
        b"\x00" * 10,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"nbformat": 4, "cells": [' + b"[" * 5000 + b"]" * 5000 + b"]}",
        json.dumps(answered()).encode("utf-16"),
        json.dumps(answered()).encode()[:-5],
        b'{"nbformat": 4, "cells": [\'x\']}',
        b'\xef\xbb\xbf\xef\xbb\xbf{"nbformat": 4}',
    ],
    ids=range(12),
)
def test_what_is_no_json(raw: bytes) -> None:
    assert "its text is not JSON" in reason(raw)


@pytest.mark.parametrize("digits", [5000, 1_000_000])
def test_a_number_of_too_many_digits(digits: int) -> None:
    number = b"9" * digits
    assert "a number that is too long" in reason(b'{"nbformat": ' + number + b"}")
    assert "a number that is too long" in reason(b'{"nbformat": 4, "cells": [-' + number + b"]}")


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b"null",
        b"4",
        b'"text"',
        b"NaN",
        b"{}",
        b'{"cells": []}',
        b'{"nbformat": "4"}',
        b'{"nbformat": 4.0, "cells": []}',
        b'{"nbformat": null, "cells": []}',
        b'{"nbformat": NaN, "cells": []}',
        b'{"nbformat": Infinity, "cells": []}',
        b'{"nbformat": [4], "cells": []}',
    ],
)
def test_json_without_a_version(raw: bytes) -> None:
    assert "it has no nbformat version" in reason(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"nbformat": 4}',
        b'{"nbformat": 4, "cells": null}',
        b'{"nbformat": 4, "cells": {}}',
        b'{"nbformat": 4, "cells": "code"}',
        b'{"nbformat": 4, "worksheets": [{"cells": []}]}',
        b'{"nbformat": 99, "cells": 3}',
    ],
)
def test_cells_that_are_no_list(raw: bytes) -> None:
    assert "it has no list of cells" in reason(raw)


@pytest.mark.parametrize(
    "cell",
    [
        None,
        3,
        "code",
        [],
        {},
        {"cell_type": "heading", "source": ""},
        {"cell_type": None},
        {"cell_type": ["code"]},
        {"cell_type": {"code": 1}},
        {"cell_type": "\ud800"},
    ],
    ids=str,
)
def test_malformed_cells(cell: Any) -> None:
    raw = json.dumps({"nbformat": 4, "cells": [plain("x"), cell]}).encode()
    assert "one of its cells is malformed" in reason(raw)


@pytest.mark.parametrize("source", [None, 3, True, {}, {"a": 1}, [1], ["x", None], [["x"]], 1.5])
def test_sources_that_are_no_text(source: Any) -> None:
    raw = json.dumps({"nbformat": 4, "cells": [plain(source)]}).encode()
    assert "source is not text" in reason(raw)


@pytest.mark.parametrize(
    ("source", "text"), [("a\nb", "a\nb"), (["a\n", "b"], "a\nb"), ([], ""), ("", "")]
)
def test_sources_as_text_and_as_lines(source: Any, text: str) -> None:
    assert cells_of(plain(source)) == [SubmittedCell("code", text, "")]


def test_a_cell_without_a_source_is_empty() -> None:
    assert cells_of({"cell_type": "raw"}) == [SubmittedCell("raw", "", "")]


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        3,
        "nbgrader",
        [],
        ["nbgrader"],
        {"nbgrader": None},
        {"nbgrader": ["grade_id"]},
        {"nbgrader": "f"},
        {"nbgrader": {}},
        {"nbgrader": {"grade_id": None}},
        {"nbgrader": {"grade_id": 3}},
        {"nbgrader": {"grade_id": ["f"]}},
        {"nbgrader": {"grade_id": {"f": 1}}},
        {"nbgrader": {"grade_id": True}},
    ],
    ids=str,
)
def test_metadata_of_any_type_names_no_cell(metadata: Any) -> None:
    assert cells_of(plain("x", metadata=metadata)) == [SubmittedCell("code", "x", "")]


def test_numbers_that_json_does_not_know_do_no_harm() -> None:
    raw = b"""{"nbformat": 4, "nbformat_minor": -Infinity, "metadata": NaN, "cells": [
        {"cell_type": "code", "source": "x", "execution_count": NaN,
         "metadata": {"nbgrader": {"grade_id": "f", "points": Infinity}}}]}"""
    assert parse_cells(raw) == [SubmittedCell("code", "x", "f")]


def test_half_characters_become_question_marks() -> None:
    raw = rb"""{"nbformat": 4, "cells": [
        {"cell_type": "code", "source": "a = '\ud800'", "metadata": {}},
        {"cell_type": "markdown", "source": ["\udfff", "\ud83d\ude00"], "metadata":
         {"nbgrader": {"grade_id": "\ud800"}}}]}"""
    assert [cell.source for cell in parse_cells(raw)] == ["a = '?'", "?\N{GRINNING FACE}"]
    clean(raw)


def test_control_characters_are_kept_as_they_are() -> None:
    assert cells_of(plain("a\x00\x1b[31m"))[0].source == "a\x00\x1b[31m"


def test_a_byte_order_mark_is_fine() -> None:
    raw = b"\xef\xbb\xbf" + json.dumps(answered()).encode()
    assert clean(raw).problems == ()


@pytest.mark.parametrize("version", [5, 99, 10**20])
def test_a_future_format_is_read_where_it_can_be(version: int) -> None:
    assert cells_of(plain("x"), nbformat=version) == [SubmittedCell("code", "x", "")]
    assert clean({**answered(), "nbformat": version}).problems == ()


def test_version_3_is_upgraded() -> None:
    def old(kind: str, **more: Any) -> dict[str, Any]:
        return {"cell_type": kind, "metadata": {"nbgrader": {"grade_id": kind}}, **more}

    cells = [
        old("code", input="x = 1", language="python", outputs=[], prompt_number=1),
        old("markdown", source="*text*"),
        old("heading", source="Title", level=2),
        old("raw", source="raw"),
    ]
    raw = json.dumps(
        {
            "nbformat": 3,
            "nbformat_minor": 0,
            "metadata": {"name": ""},
            "worksheets": [{"cells": cells, "metadata": {}}],
        }
    ).encode()
    assert parse_cells(raw) == [
        SubmittedCell("code", "x = 1", "code"),
        SubmittedCell("markdown", "*text*", "markdown"),
        SubmittedCell("markdown", "## Title", "heading"),
        SubmittedCell("raw", "raw", "raw"),
    ]


@pytest.mark.parametrize(
    "data",
    [
        {"nbformat": 3},
        {"nbformat": 3, "worksheets": 5},
        {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "outputs": 5}]}]},
        {"nbformat": 2, "worksheets": [None]},
        {"nbformat": 1},
        {"nbformat": 0, "cells": []},
        {"nbformat": -1, "cells": []},
        {"nbformat": -(10**4000), "cells": []},
    ],
    ids=range(8),
)
def test_old_formats_that_cannot_be_upgraded(data: Any) -> None:
    raw = json.dumps(data).encode()
    assert reason(raw) == (
        "The notebook is in an old format which cannot be read: "
        "open it in Jupyter and save it again."
    )


def test_too_many_cells() -> None:
    raw = json.dumps({"nbformat": 4, "cells": [plain("x")] * 3000}).encode()
    assert reason(raw) == f"The notebook has 3000 cells; {MAX_CELLS} is the most allowed."
    assert len(cells_of(*[plain("x")] * MAX_CELLS)) == MAX_CELLS


def test_images_of_written_answers_are_kept() -> None:
    images = {"scan.png": {"image/png": PNG}, "photo": {"image/jpeg": f"{PNG}\n"}}
    [cell] = cells_of(plain("![](attachment:scan.png)", "markdown", attachments=images))
    assert cell.attachments == images


@pytest.mark.parametrize(
    "attachments",
    [
        None,
        3,
        [],
        "image/png",
        {"a": None},
        {"a": []},
        {"a": {"image/svg+xml": "<svg onload='x()'/>"}},
        {"a": {"text/html": PNG}},
        {"a": {"image/png": None}},
        {"a": {"image/png": [PNG]}},
        {"a": {"image/png": {"x": 1}}},
        {"a": {"image/png": ""}},
        {"a": {"image/png": "<script>"}},
        {"a": {"image/png": "\u00e9"}},
        {"\ud800": {"image/png": PNG}},
        {"a": {"image/png": "A" + " " * 300_000 + "!"}},
    ],
    ids=range(16),
)
def test_other_attachments_are_dropped(attachments: Any) -> None:
    assert cells_of(plain("", "markdown", attachments=attachments))[0].attachments == {}


def test_only_written_cells_have_images() -> None:
    for kind in ("code", "raw"):
        [cell] = cells_of(plain("", kind, attachments={"a": {"image/png": PNG}}))
        assert cell.attachments == {}


@settings(deadline=None)
@given(st.binary(max_size=60) | RECURSIVE.map(lambda data: json.dumps(data).encode()))
def test_any_bytes_end_in_cells_or_a_sentence(raw: bytes) -> None:
    try:
        cells = parse_cells(raw)
    except Unreadable as error:
        assert str(error).endswith(".")  # noqa: PT017  # either outcome is right
    else:
        assert all(cell.source.encode() is not None for cell in cells)


@settings(deadline=None)
@given(RECURSIVE, RECURSIVE, st.sampled_from([3, 4, 5]))
def test_any_json_in_the_place_of_cells(cells: Any, metadata: Any, version: int) -> None:
    one = {"cell_type": "markdown", "metadata": metadata, "source": "x", "attachments": metadata}
    for found in (cells, [cells], [one, one]):
        data = {"nbformat": version, "cells": found, "worksheets": [{"cells": found}]}
        clean({**data, "metadata": metadata})
