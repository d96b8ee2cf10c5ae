"""The judge of attacks sees each way of success, and nothing where there is none."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from grader.tests.attacks.catalogue import LOOT, Surroundings
from grader.tests.attacks.judge import Evidence, judge, loot, quoted
from grader.tests.attacks.surroundings import (
    differences,
    fingerprint,
    left_behind,
    surroundings,
)
from grader.tests.attacks.target import SCALED, WORDS

NOTHING = {"test_scale": 0.0, "test_label": None}


def _said(value: object) -> str:
    """What `loot` prints for `value`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{LOOT}\nloot({value!r})"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_nothing_is_nothing() -> None:
    assert judge(Evidence(dict(NOTHING), survives=["0123456789abcdef" * 9])) == []


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(None),
        Evidence({**NOTHING, "test_scale": 0.5}),
        Evidence(NOTHING, fault="lost"),
        Evidence(NOTHING, survives=[_said(f"x = {WORDS['label']!r}")]),
        Evidence(NOTHING, survives=[_said([*SCALED])]),
        Evidence(NOTHING, shown=[f"<p>{SCALED[1]}</p>"]),
        Evidence(NOTHING, contacts=["somebody"]),
        Evidence(NOTHING, left=["process 1"]),
        Evidence(NOTHING, changed=["gradebook"]),
        Evidence(NOTHING, script=True),
    ],
    ids=[
        *("record", "points", "fault", "word", "numbers"),
        *("shown", "contact", "left", "changed", "script"),
    ],
)
def test_each_success_is_seen(evidence: Evidence) -> None:
    assert len(judge(evidence)) == 1


def test_loot_is_no_plain_text() -> None:
    said = _said(WORDS["test"])
    assert quoted([said]) == set()
    assert loot([said]) == {WORDS["test"]}


def test_files_and_processes_that_are_left_are_found(tmp_path: Path) -> None:
    around = Surroundings(tmp_path / "course", tmp_path / "home", 0, "", f"left-{os.getpid()}-")
    sign = around.sign
    (tmp_path / "course" / "source").mkdir(parents=True)
    (tmp_path / "home").mkdir()
    before = fingerprint(tmp_path / "course", tmp_path / "home")
    (tmp_path / "course" / "source" / f"{sign}x").write_text("x")
    after = fingerprint(tmp_path / "course", tmp_path / "home")
    assert differences(before, after) == [str(tmp_path / "course" / "source" / f"{sign}x")]
    with subprocess.Popen(
        [sys.executable, "-c", "input()", sign], stdin=subprocess.PIPE
    ) as program:
        found = left_behind(around)
        program.communicate(b"\n")
    assert [sign in what for what in found] == [True, True]


def test_the_listener_hears(tmp_path: Path) -> None:
    with surroundings(tmp_path, tmp_path / "home") as (around, listener):
        with socket.create_connection(("127.0.0.1", around.port)) as line:
            line.sendall(b"tcp")
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(f"\0{around.socket}")
            line.sendall(b"unix")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.sendto(b"udp", ("127.0.0.1", around.port))
    assert sorted(listener.heard) == ["tcp", "udp", "unix"]
