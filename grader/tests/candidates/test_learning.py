"""Checks that know nothing and learn while they are asked.

Each passes a test that asks for right candidates first, and fails in the order of CANDIDATES.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader import checking
from grader.release.sources import read_source

from .checks import COUNTS, FIRST_IS_RIGHT, LOOKING, MANY, MOST_ARE_RIGHT

SOURCE = Path(__file__).parent / "solutions" / "softmax" / "softmax.md"
LEARNING = {"first is right": FIRST_IS_RIGHT, "most are right": MOST_ARE_RIGHT, "counts": COUNTS}


def run(check: str | None, *, right_first: bool = False) -> None:
    """Run the hidden test of a check in one kernel, or a test that asks for right ones first."""
    notebook = read_source(SOURCE)
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in notebook.cells}
    names: dict[str, Any] = {"np": np, "SEED": 0} | vars(checking)
    exec(cells["softmax"].source, names)
    exec(check or cells["check_softmax"].source, names)
    test = cells["test_check_softmax"].source
    if right_first:
        [order] = re.findall(r"in (\[[\d, ]+\])\]$", test, re.MULTILINE)
        one_each = sorted(map(int, set(re.findall(r"\d+", order))))
        test = test.replace(order, str(one_each))
    with np.errstate(all="ignore"):
        exec(test, names)


@pytest.mark.parametrize("check", LEARNING.values(), ids=LEARNING)
def test_a_check_that_learns_fails(check: str) -> None:
    run(check, right_first=True)
    with pytest.raises(checking.CheckFailure, match="a wrong candidate: expected"):
        run(check)


@pytest.mark.parametrize("right_first", [False, True])
def test_a_check_that_knows_passes(right_first: bool) -> None:
    run(None, right_first=right_first)


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        ("raise ValueError", "a wrong candidate: expected AssertionError, got ValueError"),
        ("check(candidate); raise ValueError", "a right candidate: this raised ValueError"),
        ("check(candidate); return 1", "This does not hold: None is returned"),
    ],
)
def test_what_is_no_verdict(check: str, sentence: str) -> None:
    text = f"{LOOKING}\n\n{MANY.replace('def check_softmax', 'def check')}\n\n"
    text += f"def check_softmax(candidate):\n    look(candidate)\n    {check}"
    with pytest.raises(checking.CheckFailure, match=sentence):
        run(text)
