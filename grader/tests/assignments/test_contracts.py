"""How every assignment is built. What its tests let pass and notice is for `grader audit`."""

from __future__ import annotations

import ast
import re

import pytest
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions

from grader.audit.variants import blank, step_of, steps_of
from grader.tests.assignments.harness import ASSIGNMENTS, catalogue, reference

TOKEN = re.compile(r"# pta-hidden-canary-[a-z]+\d\d$", re.MULTILINE)
BEGIN, END = "### BEGIN HIDDEN TESTS\n", "### END HIDDEN TESTS"

each_assignment = pytest.mark.parametrize("slug", ASSIGNMENTS)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@each_assignment
def test_twenty_points_in_four_to_seven_steps(slug: str) -> None:
    steps = steps_of(reference(slug))
    assert 4 <= len(steps) <= 7
    assert sum(step.points for step in steps) == 20
    assert all(step.functions and step.points > 0 for step in steps)
    scored = [c for c in reference(slug).cells if c.metadata.get("nbgrader", {}).get("grade")]
    assert len(scored) == len(steps), "every scored cell belongs to a step"


@each_assignment
def test_every_step_has_its_variants(slug: str) -> None:
    notebook = reference(slug)
    found = [(v.kind, step_of(notebook, v.function).solution_id) for v in catalogue(slug)]
    for step in steps_of(notebook):
        assert found.count(("misconception", step.solution_id)) >= 3
        assert found.count(("alternative", step.solution_id)) >= 1
    sentences = [v.sentence for v in catalogue(slug)]
    assert len(set(sentences)) == len(sentences)
    assert all(sentence.endswith(".") and len(sentence) <= 200 for sentence in sentences)


@each_assignment
def test_each_hidden_region_holds_its_own_token_and_nothing_shows_it(slug: str) -> None:
    tokens = []
    for step in steps_of(reference(slug)):
        cell = next(
            cell
            for cell in code_cells(reference(slug))
            if cell.metadata.get("nbgrader", {}).get("grade_id") == step.test_id
        )
        visible, hidden = cell.source.split(BEGIN)
        assert hidden.rstrip().endswith(END), "hidden tests end the cell"
        assert visible.strip(), "a test cell has a part that helps"
        (token,) = TOKEN.findall(hidden)
        tokens.append(token)
    assert len(set(tokens)) == len(tokens)
    released, _ = ClearHiddenTests().preprocess(blank(reference(slug)), {})
    assert not any("pta-hidden-canary" in cell.source for cell in released.cells)


@each_assignment
def test_no_solution_line_is_shown_elsewhere(slug: str) -> None:
    """Visible tests and prompts do not hold a line of the reference that gives a step away."""
    released, _ = ClearHiddenTests().preprocess(blank(reference(slug)), {})
    shown = {line.strip() for cell in released.cells for line in cell.source.splitlines()}
    solved = {
        line.strip()
        for cell in code_cells(reference(slug))
        if cell.metadata.get("nbgrader", {}).get("solution")
        for line in cell.source.splitlines()
    }
    telling = {line for line in solved & shown if not _says_little(line)}
    stubs = {
        line.strip()
        for cell in released.cells
        if _is_stub(cell)
        for line in cell.source.splitlines()
    }
    assert telling <= stubs


@each_assignment
def test_tests_neither_read_source_nor_patch(slug: str) -> None:
    for cell in code_cells(reference(slug)):
        if not cell.metadata.get("nbgrader", {}).get("grade"):
            continue
        names = {n.id for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Name)}
        assert not names & {
            "inspect",
            "globals",
            "locals",
            "In",
            "Out",
            "get_ipython",
            "__import__",
        }


@each_assignment
def test_cells_are_plain_python_with_the_metadata_that_nbgrader_needs(slug: str) -> None:
    seen = set()
    for cell in code_cells(reference(slug)):
        ast.parse(cell.source)
        settings = cell.metadata.get("nbgrader")
        assert settings, "every code cell is declared to nbgrader"
        assert settings["schema_version"] == 3
        assert settings["locked"] != settings["solution"]
        assert settings["grade_id"] not in seen
        seen.add(settings["grade_id"])
        if settings["solution"]:
            cleared, _ = ClearSolutions().preprocess_cell(cell.copy(), {"language": "python"}, 0)
            assert '"""' in cleared.source, "the stub keeps its docstring"
            assert "raise NotImplementedError()" in cleared.source


def _says_little(line: str) -> bool:
    return len(line) < 20 or line.startswith("#")


def _is_stub(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))
