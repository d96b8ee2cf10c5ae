"""Text sources become notebooks: nothing lost, nothing added, the same on every build."""

from __future__ import annotations

import warnings
from pathlib import Path

import jupytext
import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook

from grader.errors import ReleaseError
from grader.release.sources import convert_sources, notebook_from_text, set_cell_ids
from grader.tests.release.conftest import HEAD, TEXT


def code_cell(header: str, body: str = "x = 1") -> str:
    return f"```{{code-cell}} ipython3\n---\n{header}\n---\n{body}\n```\n\n"


def named(grade_id: str | None) -> nbformat.NotebookNode:
    return new_code_cell("", metadata={"nbgrader": {"grade_id": grade_id}} if grade_id else {})


def test_nbgrader_metadata_and_tags_survive() -> None:
    cells = notebook_from_text(TEXT, "hello.md").cells
    assert [cell.cell_type for cell in cells] == [
        "markdown",
        "code",
        "code",
        "markdown",
        "code",
        "code",
    ]
    plain = {"grade": False, "solution": False, "locked": True, "task": False, "schema_version": 3}
    assert cells[1].metadata == {
        "nbgrader": {**plain, "grade_id": "parameters"},
        "tags": ["parameters"],
    }
    assert cells[4].metadata == {
        "nbgrader": {**plain, "grade_id": "hello", "solution": True, "locked": False}
    }
    assert cells[5].metadata == {
        "nbgrader": {**plain, "grade_id": "test_hello", "grade": True, "points": 2.5}
    }


def test_a_notebook_goes_to_text_and_back() -> None:
    notebook = notebook_from_text(TEXT, "hello.md")
    text = jupytext.writes(notebook, fmt="md:myst")
    assert notebook_from_text(text, "again.md") == notebook


def test_only_the_kernel_is_kept_of_the_front_matter() -> None:
    head = HEAD.replace("kernelspec:", "author: me\nmyst: {all: false}\nkernelspec:")
    notebook = notebook_from_text(f"{head}\n# A\n", "a.md")
    assert set(notebook.metadata) == {"kernelspec"}


def test_ids_are_stable_and_speak() -> None:
    first, second = (notebook_from_text(TEXT, "hello.md") for _ in range(2))
    assert nbformat.writes(first) == nbformat.writes(second)
    ids = [cell.id for cell in first.cells]
    assert ids == ["cell-0", "parameters", "checking", "cell-3", "hello", "test_hello"]
    nbformat.validate(first)


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        ([None, "cell-0"], ["cell-0-at-0", "cell-0"]),
        (["cell-1", None], ["cell-1", "cell-1-at-1"]),
        (["a b", "a-b"], ["a-b", "a-b-at-1"]),
        (["é/é", "x" * 64], ["---", "x" * 64]),
        (["x" * 65, "x" * 66], ["x" * 64, "x" * 48 + "-at-1"]),
    ],
)
def test_ids_are_never_equal(names: list[str | None], ids: list[str]) -> None:
    notebook = new_notebook(cells=[named(name) for name in names])
    set_cell_ids(notebook)
    assert [cell.id for cell in notebook.cells] == ids


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.text("aé-9/ ", max_size=70)), unique=True, max_size=8))
def test_any_names_give_a_valid_notebook(names: list[str | None]) -> None:
    notebook = new_notebook(cells=[named(name) for name in names])
    set_cell_ids(notebook)
    nbformat.validate(notebook)
    assert len({cell.id for cell in notebook.cells}) == len(names)


def test_two_cells_of_one_name_are_refused() -> None:
    text = TEXT.replace("grade_id: test_hello", "grade_id: hello")
    with pytest.raises(ReleaseError, match=r"Two cells of hello\.md have the grade_id 'hello'"):
        notebook_from_text(text, "hello.md")


@pytest.mark.parametrize("text", ["", "# Only text\n", "---\ntitle: a\n---\n# A\n", "---\n"])
def test_missing_front_matter(text: str) -> None:
    with pytest.raises(ReleaseError, match=r"a\.md has no jupytext front matter with a kernelspec"):
        notebook_from_text(text, "a.md")


@pytest.mark.parametrize(
    "text",
    [
        HEAD + code_cell("nbgrader: [1"),
        HEAD + code_cell("- a list"),
        HEAD + code_cell("only text"),
        HEAD + code_cell("tags: 5"),
        HEAD + code_cell("due: 2026-03-01"),
        HEAD + "Prose.\n\n+++ no JSON\n\nMore.\n",
        "---\nkernelspec: 5\n---\n# A\n",
        "---\nkernelspec: [\n---\n# A\n",
        "---\nkernelspec: {name: x}\n---\n# A\n",
        "---\njupytext: 5\nkernelspec: {name: x, display_name: x}\n---\n# A\n",
    ],
)
def test_malformed_text_gets_one_sentence(text: str) -> None:
    with pytest.raises(ReleaseError) as caught:
        notebook_from_text(text, "a.md")
    assert str(caught.value).startswith("a.md is no MyST notebook: ")
    assert "\n" not in str(caught.value)


def test_metadata_of_other_types_is_left_to_nbgrader() -> None:
    [cell] = notebook_from_text(HEAD + code_cell("nbgrader: 5"), "a.md").cells
    assert cell.metadata == {"nbgrader": 5}


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    text = tmp_path / "a.md"
    text.write_bytes(HEAD.encode() + b"caf\xe9\n")
    with pytest.raises(ReleaseError, match=r"a\.md is not UTF-8"):
        convert_sources(text, tmp_path / "out")


def test_a_source_of_bad_text_leaves_the_last_release_source_alone(tmp_path: Path) -> None:
    text, out = tmp_path / "a.md", tmp_path / "out"
    text.write_text(TEXT)
    before = convert_sources(text, out).read_bytes()
    text.write_text("")
    with pytest.raises(ReleaseError):
        convert_sources(text, out)
    assert (out / "a.ipynb").read_bytes() == before


def test_the_destination_holds_the_notebook_and_the_data_alone(tmp_path: Path) -> None:
    text, out = tmp_path / "hw" / "hw.md", tmp_path / "out"
    (text.parent / "data").mkdir(parents=True)
    text.write_text(TEXT)
    for name in ("misconceptions.py", "alternatives.py", "notes.txt", "data/a.csv"):
        (text.parent / name).write_text("x")
    out.mkdir()
    (out / "stale.ipynb").write_text("{}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        target = convert_sources(text, out)
    assert target == out / "hw.ipynb"
    found = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert found == {"hw.ipynb", "data/a.csv"}
