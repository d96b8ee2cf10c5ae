"""Attacks on what passes between the kernels: each fails, and each succeeds without its guard.

A file in bridge/ is a notebook as the corpus of honest notebooks writes them
(`grader.tests.split.corpus`); the "wrong" answer is the attack. Its first block says what the guard
is: lines `FILE: TEXT => OTHER TEXT` of the bridge, without which the attack must reach its goal.
Else it would fail for a reason of its own, and would go on failing when the guard is gone.
"""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import pytest

from grader.course import Limits
from grader.sandbox import SandboxMode, SandboxPolicy
from grader.scoring.points import auto_score
from grader.split import NotebookResult, kernel, run_notebook
from grader.tests.attacks.catalogue import LOOT
from grader.tests.attacks.judge import loot, quoted
from grader.tests.split.corpus import Entry, read_entry

FOLDER = Path(__file__).parent / "bridge"
NAMES = sorted(path.stem for path in FOLDER.glob("*.cells"))
LIMITS = Limits(cell_timeout=20.0, notebook_timeout=90.0, startup_timeout=120.0)


@cache
def entry(name: str) -> Entry:
    return read_entry(FOLDER / f"{name}.cells")


def guards(name: str) -> list[tuple[str, str, str]]:
    """Each a file of the bridge, the text of the guard, and what stands there without it."""
    cell = next(cell for cell in entry(name).cells if cell.kind == "guard")
    found = []
    for line in cell.source.splitlines():
        file, _, rest = line.partition(": ")
        old, _, new = rest.partition(" => ")
        found.append((file, old, new))
    return found


def graded(name: str, variant: str) -> NotebookResult:
    """The notebook of an attack, run over two kernels without a sandbox, which takes no part."""
    found = Entry(name, [cell for cell in entry(name).cells if cell.kind != "guard"], {})
    notebook = found.submission(variant)
    for cell in notebook.cells:
        if "loot(" in cell.source:
            cell.source = LOOT + cell.source
    policy = SandboxPolicy(limits=LIMITS)
    return run_notebook(name, notebook, policy, SandboxMode.NONE, template=found.template())


def reached(name: str, result: NotebookResult) -> list[str]:
    """What an attack got: points, hidden words in what it printed, or in what a student reads."""
    cells = entry(name).tests
    points = {
        test.grade_id: score
        for test in result.tests
        if (score := auto_score(test, cells[test.grade_id].points))
    }
    printed = [
        str(output.get("text", ""))
        for cell in result.executed["cells"]
        for output in cell.get("outputs", ())
        if output["output_type"] == "stream"
    ]
    words = loot(printed) | quoted([test.message for test in result.tests])
    return [*points, *words]


@pytest.mark.parametrize("name", NAMES)
def test_the_attack_fails(name: str) -> None:
    assert reached(name, graded(name, "wrong")) == [], entry(name).about


@pytest.mark.parametrize("name", NAMES)
def test_it_succeeds_without_its_guard(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = tmp_path / "bridge"
    shutil.copytree(kernel._BRIDGE, bridge, ignore=shutil.ignore_patterns("__pycache__"))
    for file, old, new in guards(name):
        text = (bridge / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file} has no such guard: {old}"
        (bridge / file).write_text(text.replace(old, new), encoding="utf-8")
    monkeypatch.setattr(kernel, "_BRIDGE", bridge)
    result = graded(name, "wrong")
    assert reached(name, result), [(t.outcome, t.message) for t in result.tests]


@pytest.mark.parametrize("name", NAMES)
def test_an_honest_answer_has_all_points(name: str) -> None:
    result = graded(name, "reference")
    assert {test.grade_id: test.outcome for test in result.tests} == dict.fromkeys(
        entry(name).tests, "passed"
    ), [test.message for test in result.tests]
