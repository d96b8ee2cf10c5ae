"""Full and read-only disks, and a gradebook that another program has locked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from grader.course import Course
from grader.farm import ResultStore, SubmissionRecord, grade
from grader.scoring import read_scores
from grader.tests.durability.conftest import CLASS
from grader.tests.farm.support import Inline

HOLD = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
"""


def _troubled(mounts: list[str], *arguments: str | Path) -> str:
    """Runs a scenario of `troubled` in a sandbox with these mounts; what it says."""
    bwrap = shutil.which("bwrap")
    assert bwrap is not None
    command = [bwrap, "--dev-bind", "/", "/", *mounts, sys.executable, "-m"]
    done = subprocess.run(
        [*command, "grader.tests.durability.troubled", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture
def course(released_course: Path, hand_in: Callable[[Path], None], needs_bubblewrap: None) -> Path:
    """A course whose class handed in the same work."""
    hand_in(released_course)
    shutil.rmtree(released_course / "submitted" / "cem")
    return released_course


def test_wherever_the_disk_is_full_nothing_is_lost(course: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounts = ["--size", str(4 * 2**20), "--tmpfs", str(disk)]
    said = _troubled(mounts, "full", course, disk)
    number = int(said.splitlines()[-1].split()[0])
    assert number > 3, said
    assert "Make room or permission for it and run the command again." in said
    assert "Results are kept: put that right and run the same command again." in said


def test_a_course_that_cannot_be_written_is_one_sentence(course: Path) -> None:
    said = _troubled(["--ro-bind", str(course), str(course)], "readonly", course)
    assert "Read-only file system" in said


def test_a_gradebook_that_cannot_be_written_is_one_sentence_and_results_wait(
    course: Path, inline: Inline
) -> None:
    gradebook = str(course / "gradebook.db")
    said = _troubled(["--ro-bind", gradebook, gradebook], "gradebook", course)
    assert "attempt to write a readonly database" in said
    assert "Results are kept" in said
    run = grade(Course(course), "ps1")
    assert (run.graded, run.kept) == (0, len(CLASS) - 1)
    assert set(read_scores(Course(course), "ps1")) == set(CLASS) - {"cem"}


@contextmanager
def _locked(gradebook: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the gradebook until it reads a line."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(gradebook)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "locked\n"
    try:
        yield holder
    finally:
        holder.communicate("\n")


def test_a_gradebook_that_is_locked_for_a_while_is_waited_for(course: Path, inline: Inline) -> None:
    seen: list[tuple[str, bool]] = []
    with _locked(course / "gradebook.db") as holder:

        def release_at_the_last(record: SubmissionRecord) -> None:
            stored = ResultStore(Course(course), "ps1").load(record.student)
            seen.append((record.student, stored is not None and stored.scored))
            if record.student == "dan":
                assert holder.stdin is not None
                holder.stdin.write("\n")
                holder.stdin.flush()

        run = grade(Course(course), "ps1", on_record=release_at_the_last)
    assert run.graded == len(CLASS) - 1
    assert seen == [("ann", False), ("bob", False), ("dan", False)], "locked till the last"
    records = ResultStore(Course(course), "ps1").load_all()
    assert all(record.scored for record in records)
    assert set(read_scores(Course(course), "ps1")) == {"ann", "bob", "dan"}
