"""Kill -9 of everything that grades, at random moments."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from grader.tests.durability.killing import Run, check, make_class

pytestmark = pytest.mark.usefixtures("needs_bubblewrap")
LONG = os.environ.get("GRADER_LONG") == "1"


@pytest.mark.timeout(900)
def test_a_few_kills_cost_no_submission_anything(tmp_path: Path) -> None:
    expected = make_class(tmp_path / "course", 12)
    with Run(tmp_path / "course", tmp_path, seed=5) as run:
        for victim in ("worker", "client", "zygote"):
            run.kill(victim, after=2)
        run.use_cluster()
        for victim in ("scheduler", "worker"):
            run.kill(victim, after=1)
        assert run.finish() == 0, run.sentences
        assert run.left_over() == []
    assert sum(run.killed.values()) >= 4, run.killed
    check(tmp_path / "course", expected)


if LONG:  # it takes an hour; a test that is skipped is an error in CI

    @pytest.mark.timeout(7200)
    def test_fifty_kills_over_a_class_of_two_hundred(tmp_path: Path) -> None:
        started = time.monotonic()
        expected = make_class(tmp_path / "course", 200)
        with Run(tmp_path / "course", tmp_path, seed=50) as run:
            for number in range(60):  # some come too late
                if number == 30:
                    run.use_cluster()
                victims = ("client", "worker", "zygote", "scheduler" if number >= 30 else "client")
                run.kill(victims[number % 4], after=number % 4)
            assert run.finish() == 0, run.sentences
            assert run.left_over() == []
        check(tmp_path / "course", expected)
        assert sum(run.killed.values()) >= 50
        print(f"{dict(run.killed)} in {time.monotonic() - started:.0f} s; exits {dict(run.codes)}")
        print("\n".join(sorted(set(run.sentences))))
