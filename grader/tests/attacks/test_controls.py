"""Attacks succeed where what stops them is taken out, so that each of them can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.tests.attacks.catalogue import Attack, load_attacks
from grader.tests.attacks.classroom import GradedClass, grade_class
from grader.tests.attacks.guards import FILES_AS_CODE, PACKAGE, without
from grader.tests.attacks.judge import judge

GUARDED = [attack for attack in load_attacks(every=True) if attack.guard]
pytestmark = [pytest.mark.usefixtures("needs_bubblewrap"), pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def unguarded(tmp_path_factory: pytest.TempPathFactory, needs_bubblewrap: None) -> GradedClass:
    """All attacks that name their guard, graded without any of the guards."""
    edits = [edit for attack in GUARDED for edit in attack.guard]
    package = without(edits, tmp_path_factory.mktemp("unguarded"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(package))
        return grade_class(tmp_path_factory.mktemp("attacked") / "course", GUARDED)


@pytest.mark.parametrize("attack", GUARDED, ids=lambda attack: attack.name)
def test_the_attack_succeeds_without_its_guard(unguarded: GradedClass, attack: Attack) -> None:
    assert judge(unguarded.evidence(attack)), unguarded.output[-2000:]


def test_a_guard_that_is_no_more_is_noticed(tmp_path: Path) -> None:
    name, old, _ = FILES_AS_CODE[0]
    without(FILES_AS_CODE, tmp_path)
    assert (tmp_path / "grader" / name).read_text() != (PACKAGE / name).read_text()
    with pytest.raises(LookupError, match="no such guard"):
        without([(name, f"{old}# gone", "")], tmp_path)
