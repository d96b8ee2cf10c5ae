"""Misconceptions that are edits of the reference."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from grader.errors import CourseError
from grader.release.catalogue import load_catalogue, load_variants

MEAN = '''\
@cached
def mean(values, start=0.0):
    """Return the mean.

    total = start
    """
    ### BEGIN SOLUTION
    total = start
    for value in values:
        if value != value:
            continue
        total += value
    return total / len(values)
    ### END SOLUTION


class Counter:
    def __init__(self):
        self.n = 0

    def add(self):
        self.n += 1
        return self.n
'''


def entry(original: str, mutant: str, function: str = "mean", name: str = "wrong") -> str:
    return (
        f'[[misconception]]\nfunction = "{function}"\nname = "{name}"\n'
        f"original = '''\n{original}'''\nmutant = '''\n{mutant}'''\nsentence = 'You err.'\n"
    )


@pytest.fixture
def notebook() -> NotebookNode:
    answer = {"nbgrader": {"grade_id": "mean", "solution": True, "grade": False, "locked": False}}
    cells = [
        new_code_cell("def mean(values):\n    return given(values)\n\ndef given(x):\n    return x"),
        new_code_cell(MEAN, metadata=answer),
    ]
    return new_notebook(cells=cells)


def source_of(tmp_path: Path, notebook: NotebookNode, text: str) -> str:
    (tmp_path / "misconceptions.toml").write_text(text, encoding="utf-8")
    [variant] = load_variants(tmp_path, notebook)
    return variant.source


def test_an_edit_is_the_whole_function_that_it_stands_for(
    tmp_path: Path, notebook: NotebookNode
) -> None:
    whole = '''def mean__forgets_the_start(values, start=0.0):
    """You leave start
    out."""
    total = 0.0
    for value in values:
        if value != value:
            continue
        total += value
    return total / len(values)
'''
    (tmp_path / "misconceptions.py").write_text(f"@cached\n{whole}")
    edit = entry("total = start", "total = 0.0", name="forgets_the_start_too")
    (tmp_path / "misconceptions.toml").write_text(edit.replace("You err.", "You leave\\nit out."))
    first, second = load_variants(tmp_path, notebook)
    assert first.name == "mean__forgets_the_start"
    assert (second.name, second.function, second.kind) == (
        "mean__forgets_the_start_too",
        "mean",
        "misconception",
    )
    assert second.source == first.source


@pytest.mark.parametrize(
    ("original", "mutant", "expected"),
    [
        # an edit keeps its indentation, however both are written
        ("total += value", "total = value", "            continue\n        total = value\n"),
        ("    total += value", "    total = value", "        total = value\n    return"),
        # several lines, blocks, and lines that leave a block or are deleted
        (
            "if value != value:\n    continue",
            "if value < 0:\n    break",
            "        if value < 0:\n            break\n",
        ),
        ("        total += value", "    total += value", "continue\n    total += value\n"),
        (
            "if value != value:\n    continue\n",
            "",
            "for value in values:\n        total += value\n",
        ),
        ("return total / len(values)", "\n# no\n\nreturn total\n\n", "+= value\n    return total"),
        ("def mean(values, start=0.0):", "def mean(values, start=1.0):", "mean(values, start=1.0)"),
        ("@cached", "", "def mean"),
    ],
)
def test_lines_are_put_where_the_originals_stood(
    tmp_path: Path, notebook: NotebookNode, original: str, mutant: str, expected: str
) -> None:
    found = source_of(tmp_path, notebook, entry(original, mutant))
    assert expected in found
    assert '"""' not in found
    ast.parse(found)


def test_a_class_can_be_edited(tmp_path: Path, notebook: NotebookNode) -> None:
    found = source_of(tmp_path, notebook, entry("self.n += 1", "self.n += 2", "Counter"))
    assert found.startswith("class Counter:")
    assert "self.n += 2" in found


def test_what_is_only_given_can_be_edited(tmp_path: Path, notebook: NotebookNode) -> None:
    found = source_of(tmp_path, notebook, entry("return x", "return -x", "given"))
    assert found == "def given(x):\n    return -x"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (entry("total = begin", "x = 1"), "Entry 1 of .*, mean__wrong: .* stand nowhere in mean"),
        (entry("  if value != value:\ncontinue", "x"), "stand nowhere in mean"),
        (entry("Return the mean.", "x"), "stand nowhere in mean"),
        (entry("return given(values)", "x"), "stand nowhere in mean"),
        (entry("self.n", "x", "Counter"), "stand nowhere in Counter"),
        (entry("total", "x") * 2, "Entry 1 .* stand nowhere in mean"),
        (entry("total = start", "total ="), "the edited function is no Python"),
        (entry("return total / len(values)", "return total\nx = [\n"), "is no Python"),
        (entry("def mean(values, start=0.0):", "def median(values):"), "more, or less, than mean"),
        (
            entry("    return total / len(values)", "    return 1\nX = 1"),
            "more, or less, than mean",
        ),
        (entry("total = start", "total  =  start  # so"), "changes nothing that Python sees"),
        (entry("x", "y", "median"), "no cell of the notebook defines median"),
        (entry("x", "y", "me an"), "made of letters, digits and _"),
        (entry("x", "y", name="two words"), "made of letters, digits and _"),
        (entry("\n", "y"), "must have these texts: function, mutant, name, original, sentence"),
        ("[[misconception]]\nfunction = 'mean'\n", "Entry 1 of .* must have these texts"),
        ("misconception = [3]\n", "Entry 1 of .* must have these texts"),
        ("misconception = 3\n", r"may hold only \[\[misconception\]\] entries"),
        ("[[equivalent]]\nfunction = 'mean'\n", r"may hold only \[\[misconception\]\] entries"),
        ("[[", "is not valid TOML"),
    ],
)
def test_an_edit_that_is_wrong_is_one_sentence(
    tmp_path: Path, notebook: NotebookNode, text: str, sentence: str
) -> None:
    with pytest.raises(CourseError, match=sentence) as caught:
        source_of(tmp_path, notebook, text)
    assert "\n" not in str(caught.value)


def test_an_edit_that_fits_twice_is_refused(tmp_path: Path, notebook: NotebookNode) -> None:
    notebook.cells[1].source = "def twice(x):\n    x += 1\n    x += 1\n    return x\n"
    with pytest.raises(CourseError, match=r"stand at 2 places of twice; take a line more"):
        source_of(tmp_path, notebook, entry("x += 1", "x += 2", "twice"))
    found = source_of(tmp_path, notebook, entry("x += 1\nreturn x", "return x", "twice"))
    assert found == "def twice(x):\n    x += 1\n    return x"


def test_a_name_stands_once_in_all_catalogues(tmp_path: Path, notebook: NotebookNode) -> None:
    (tmp_path / "misconceptions.py").write_text("def mean__wrong(v):\n    'No.'\n    return 1\n")
    with pytest.raises(CourseError, match=r"The catalogues in .* define mean__wrong twice"):
        source_of(tmp_path, notebook, entry("total = start", "total = 1"))


def test_the_order_and_the_kinds_of_all_catalogues(tmp_path: Path, notebook: NotebookNode) -> None:
    assert load_variants(tmp_path, notebook) == ()
    (tmp_path / "alternatives.py").write_text("def mean__other(v):\n    'Else.'\n    return 1\n")
    (tmp_path / "misconceptions.py").write_text("def mean__one(v):\n    'No.'\n    return 1\n")
    (tmp_path / "misconceptions.toml").write_text(entry("total = start", "total = 1"))
    assert [(v.name, v.kind) for v in load_variants(tmp_path, notebook)] == [
        ("mean__one", "misconception"),
        ("mean__wrong", "misconception"),
        ("mean__other", "alternative"),
    ]
    with pytest.raises(CourseError, match="is not a catalogue"):
        load_catalogue(tmp_path / "misconceptions.toml")
