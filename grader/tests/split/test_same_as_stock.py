"""Honest notebooks get the points that stock nbgrader gives, whatever their tests do."""

from __future__ import annotations

import json
from functools import cache

import pytest

from grader.course import Limits
from grader.release import ANSWER_MARK, find_crossings
from grader.sandbox import SandboxMode, SandboxPolicy
from grader.scoring.points import auto_score
from grader.split import NotebookResult, place_files, run_notebook
from grader.tests.split.corpus import EXPECTED, VARIANTS, Entry, entries

pytestmark = pytest.mark.usefixtures("needs_bubblewrap")

LIMITS = Limits(cell_timeout=15.0, notebook_timeout=90.0, startup_timeout=120.0)
CORPUS = {entry.name: entry for entry in entries()}
STOCK: dict[str, dict[str, dict[str, float]]] = json.loads(EXPECTED.read_text(encoding="utf-8"))
BLANK = ("functions", "variables", "classes", "world")
"""Notebooks whose blank answers are graded too: stubs, placeholders, names that are missing."""
CASES = [
    (name, variant)
    for name in CORPUS
    for variant in VARIANTS
    if variant != "blank" or name in BLANK
]


@cache
def graded(name: str, variant: str) -> NotebookResult:
    entry = CORPUS[name]
    with place_files({}, entry.files) as files:
        policy = SandboxPolicy(limits=LIMITS, files=files)
        return run_notebook(
            name,
            entry.submission(variant),
            policy,
            SandboxMode.BUBBLEWRAP,
            template=entry.template(),
            instructor_files=entry.files,
        )


def expected(entry: Entry, variant: str) -> dict[str, float]:
    """Stock nbgrader's points, but for its listed faults and what cannot cross."""
    return {
        test: cell.differs.get(variant, STOCK[entry.name][variant][test])
        for test, cell in entry.tests.items()
        if variant not in cell.refused
    }


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_the_points_are_stock_nbgraders(name: str, variant: str) -> None:
    entry = CORPUS[name]
    result = graded(name, variant)
    wanted = expected(entry, variant)
    wrong = [
        f"{test.grade_id}: {got}, not {wanted[test.grade_id]} ({test.outcome}: {test.message})"
        for test in result.tests
        if test.grade_id in wanted
        and (got := auto_score(test, entry.tests[test.grade_id].points)) != wanted[test.grade_id]
    ]
    assert not wrong, "\n".join([*wrong, result.ended_early])


def test_what_stock_nbgrader_gives_is_known_for_the_whole_corpus() -> None:
    """Otherwise: python -m grader.tests.split.corpus.record."""
    assert {name: set(found) for name, found in STOCK.items()} == {
        name: set(VARIANTS) for name in CORPUS
    }
    for name, entry in CORPUS.items():
        assert all(set(STOCK[name][variant]) == set(entry.tests) for variant in VARIANTS)


def test_the_corpus_tells_right_from_wrong() -> None:
    """Reference solutions get all points from stock nbgrader, blank and wrong ones few."""
    for name, entry in CORPUS.items():
        full = {test: cell.points for test, cell in entry.tests.items()}
        lost = {test for test, points in STOCK[name]["reference"].items() if points != full[test]}
        assert lost == {test for test, cell in entry.tests.items() if "reference" in cell.differs}
        for variant in ("wrong", "blank"):
            assert sum(STOCK[name][variant].values()) < 0.5 * sum(full.values()), (name, variant)


def findings() -> dict[str, set[str]]:
    """Test cells of the corpus of which a release says that they cannot cross, by notebook."""
    return {
        name: {finding.grade_id for finding in find_crossings(name, entry.source())}
        for name, entry in CORPUS.items()
    }


def test_a_release_names_every_cell_that_cannot_cross() -> None:
    named = findings()
    for name, entry in CORPUS.items():
        refused = {test for test, cell in entry.tests.items() if cell.refused}
        assert refused <= named[name]


def test_a_release_names_every_marked_cell_that_has_lost_its_mark() -> None:
    """Without its mark each marked cell is named."""
    for name, entry in CORPUS.items():
        source = entry.source()
        for cell in source.cells:
            cell.source = cell.source.replace(ANSWER_MARK, "")
        marked = {test for test, cell in entry.tests.items() if ANSWER_MARK in cell.source}
        assert marked <= {finding.grade_id for finding in find_crossings(name, source)}


def test_a_release_warns_of_nothing_that_works() -> None:
    named = findings()
    false = {
        name: sorted(named[name] & {test for test, cell in entry.tests.items() if not cell.refused})
        for name, entry in CORPUS.items()
    }
    assert not any(false.values()), false


def test_marked_cells_run_in_the_answer_kernel_and_no_others() -> None:
    for name in ("refused", "world"):
        marked = {test for test, cell in CORPUS[name].tests.items() if ANSWER_MARK in cell.source}
        found = {
            test.grade_id for test in graded(name, "reference").tests if test.where == "answer"
        }
        assert marked
        assert found == marked
