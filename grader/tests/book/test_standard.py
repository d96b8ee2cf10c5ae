"""Every chapter keeps its budgets and has its parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from .standard import (
    BUDGETS,
    LEAST,
    SECTIONS,
    WAITING,
    WITH_TORCH,
    complaints,
    figures_of,
    lacking,
    measures_of,
    over_budget,
)
from .test_site import CHAPTERS

MEASURED = frozenset(BUDGETS) - {"kB to load"}
PARTS = frozenset(
    {
        *(f"{name.replace('_', ' ')} missing" for name in LEAST),
        *(f"section {name}" for name in SECTIONS),
        "exercises without difficulty",
        "assignment",
    }
)
GOOD = {
    "words": 3000,
    "equations": 20,
    "code_lines": 200,
    "code_columns": 79,
    "cpu_seconds": 9.0,
    "torch": False,
    "words_before_drawing": 300,
    "diagrams": True,
    "explorables": 1,
    "check_questions": 5,
    "exercises": 3,
    "exercises_with_difficulty": 3,
    "sections": ["The question", *SECTIONS],
    "assignment": True,
}


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapter_keeps_its_budgets(site: Path, name: str) -> None:
    measures = measures_of(site.parent, name)
    figures = figures_of(measures)
    budgets = WITH_TORCH if measures["torch"] else BUDGETS
    over = over_budget(figures, budgets)
    cpu = measures["cpu_seconds"]
    assert complaints(name, over, kinds=MEASURED, budgets=budgets, cpu=cpu) == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapter_has_its_parts(site: Path, name: str) -> None:
    assert complaints(name, lacking(measures_of(site.parent, name)), kinds=PARTS) == []


def test_only_chapters_that_are_there_wait() -> None:
    assert set(WAITING) <= set(CHAPTERS)
    assert all(len(listed) > 0 for listed in WAITING.values())


def test_a_good_chapter_lacks_nothing() -> None:
    assert over_budget(figures_of(GOOD)) == {}
    assert lacking(GOOD) == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"words": 4001}, "b/p/c/index: words: 4001, at most 4000"),
        ({"code_lines": 251}, "b/p/c/index: visible lines of code: 251, at most 250"),
        ({"code_columns": 80}, "b/p/c/index: columns of code: 80, at most 79"),
        (
            {"cpu_seconds": 10.5},
            "b/p/c/index: seconds of CPU: 10.5, at most 10",
        ),
        (
            {"words_before_drawing": None},
            "b/p/c/index: words before the first drawing: 3000, at most 600",
        ),
        ({"check_questions": 0}, "b/p/c/index: check questions missing: 1"),
        ({"exercises_with_difficulty": 1}, "b/p/c/index: exercises without difficulty: 2"),
        ({"sections": ["Summary", "Sources"]}, "b/p/c/index: section Common mistakes: 1"),
        ({"assignment": False}, "b/p/c/index: assignment: 1"),
        ({"diagrams": False}, "b/p/c/index: diagrams missing: 1"),
    ],
)
def test_what_a_chapter_misses_is_named_with_its_figure(change: dict, said: str) -> None:
    measures = GOOD | change
    short = over_budget(figures_of(measures)) | lacking(measures)
    assert complaints("b/p/c/index", short, kinds=MEASURED | PARTS, waiting={}) == [said]


def test_pytorch_may_take_longer() -> None:
    figures = figures_of(GOOD | {"cpu_seconds": 14.0})
    assert over_budget(figures, WITH_TORCH) == {}
    assert over_budget(figures) == {"seconds of CPU": 14.0}


def test_a_waiting_chapter_may_not_get_worse_nor_stay_when_it_is_mended() -> None:
    waiting = {"p": {"words": 5000, "seconds of CPU": 20, "assignment": 1}}
    kinds = frozenset({"words", "seconds of CPU"})

    def said(words: float, cpu: float) -> list[str]:
        figures = {"words": words, "seconds of CPU": cpu}
        short = over_budget(figures)
        return complaints("p", short, kinds=kinds, waiting=waiting, cpu=cpu)

    assert said(5000, 20) == []
    assert said(5001, 20) == ["p: words: 5001, 5000 when it was listed"]
    assert said(4000, 20) == ["p: words: meets the standard now; strike it from WAITING"]
    assert said(5000, 9) == [], "the next run may be above the budget again"
    assert said(5000, 6) == ["p: seconds of CPU: meets the standard now; strike it from WAITING"]
