"""Processes that share a core for a while."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from grader.sandbox import cores
from grader.sandbox.cores import OneCore

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="only Linux puts processes on cores"
)


@pytest.fixture
def sleepers() -> Iterator[list[int]]:
    with ExitStack() as stack:
        command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
        made = [stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE)) for _ in "ab"]
        yield [process.pid for process in made]
        for process in made:
            process.kill()


def affinities(pids: list[int]) -> list[set[int]]:
    return [os.sched_getaffinity(pid) for pid in pids]


def test_both_are_on_one_core_until_the_end(
    sleepers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "_crowded", lambda: False)
    before = affinities(sleepers)
    together = OneCore(sleepers)
    first, second = affinities(sleepers)
    assert first == second
    assert len(first) == 1
    assert first <= before[0]
    together.end()
    assert affinities(sleepers) == before
    os.sched_setaffinity(sleepers[0], first)
    together.end()
    assert affinities(sleepers)[0] == first, "what has ended changes nothing any more"


def test_a_busy_machine_is_left_alone(sleepers: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "_crowded", lambda: True)
    monkeypatch.setattr(cores, "_last_core", lambda pid: pytest.fail("nobody is to be moved"))
    OneCore(sleepers)


def test_a_process_that_is_gone_leaves_the_other_as_it_was(
    sleepers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "_crowded", lambda: False)
    before = affinities(sleepers)
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    OneCore([sleepers[0], gone.pid]).end()
    OneCore([gone.pid, sleepers[1]]).end()
    OneCore([]).end()
    assert affinities(sleepers) == before


@pytest.mark.parametrize(
    ("pressure", "load", "crowded"),
    [
        ("some avg10=0.00 avg60=50.00 avg300=50.00 total=1\nfull avg10=90.00", 1e6, False),
        ("some avg10=35.10 avg60=0.00 avg300=0.00 total=1", 0.0, True),
        ("", 1e6, True),
        ("", 0.0, False),
    ],
)
def test_a_machine_is_crowded_where_something_waits_for_a_core(
    pressure: str, load: float, crowded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_text(path: Path) -> str:
        if path == Path("/proc/pressure/cpu") and pressure:
            return pressure
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", read_text)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    assert cores._crowded() is crowded


def test_a_process_ran_on_some_core() -> None:
    assert cores._last_core(os.getpid()) in range(os.cpu_count() or 1)
