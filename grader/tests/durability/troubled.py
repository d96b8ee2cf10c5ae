"""`grader grade` on disks that are full or read-only; a program for `test_disks`.

It runs inside a bubblewrap sandbox, where an ordinary user too can have a small disk. Kernels are
left out: every test passes.

    python -m grader.tests.durability.troubled full|readonly|gradebook COURSE [DISK]
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
from pathlib import Path

import pytest

from grader import cli
from grader.course import Course
from grader.farm import ResultStore
from grader.scoring import read_scores
from grader.tests.farm.support import Inline, install

STEP = 24
"""KiB that are left at first, and more each time, until the class has room."""


def main() -> None:
    """Run the scenario that the command line names; an assertion that fails is a traceback."""
    with pytest.MonkeyPatch.context() as patch:
        inline = install(patch)
        what, root, disk = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[-1])
        if what == "full":
            troubles = []
            while said := _full(root, disk, STEP * len(troubles), inline):
                troubles.append(said)
            print("\n".join(sorted(set(troubles))))
            print(len(troubles), "disks were too small")
        else:
            print(_refused(root, stored=what == "gradebook"))


def _full(template: Path, disk: Path, room: int, inline: Inline) -> str:
    """Grade with so many KiB left, then with enough; what was said the first time, or ""."""
    root = shutil.copytree(template, disk / "course")
    names = {path.name for path in (root / "submitted").iterdir()}
    filler = disk / "filler"
    usage = os.statvfs(disk)
    filler.write_bytes(bytes(max(0, usage.f_bavail * usage.f_frsize - room * 1024)))
    code, err = _grade(root)
    if code:
        _one_sentence(code, err)
        assert "No space left" in err or "disk is full" in err or "disk I/O" in err, err
    before = _stored(root)
    filler.unlink()
    ran = len(inline.ran)
    assert _grade(root) == (0, "")
    # two notebooks each, and what was stored is not run again
    assert len(inline.ran) - ran == 2 * (len(names) - len(before))
    assert _stored(root) == names
    scores = read_scores(Course(root), "ps1")
    points = {name: score.cells["problem1", "test_sum"].score for name, score in scores.items()}
    assert points == dict.fromkeys(names, 2.0)
    shutil.rmtree(root)
    return err.strip()


def _refused(root: Path, *, stored: bool) -> str:
    """Grade where nothing, or only the gradebook, can be written; what was said."""
    code, err = _grade(root)
    _one_sentence(code, err)
    names = {path.name for path in (root / "submitted").iterdir()}
    assert _stored(root) == (names if stored else set())
    return err.strip()


def _one_sentence(code: int, err: str) -> None:
    assert code == 1, (code, err)
    assert err.startswith("Error: "), err
    assert len(err.splitlines()) == 1, err


def _stored(root: Path) -> set[str]:
    return {record.student for record in ResultStore(Course(root), "ps1").load_all()}


def _grade(root: Path) -> tuple[int, str]:
    """Exit code and stderr of the program."""
    sys.argv = ["grader", "--course", str(root), "grade", "ps1"]
    err = io.StringIO()
    code: int | str | None = None
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code
    assert isinstance(code, int)
    return code, err.getvalue()


if __name__ == "__main__":
    main()
