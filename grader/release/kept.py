"""Nobody's work is overwritten: what was changed in a released folder is kept before a new release.

nbgrader removes the folder of an assignment before it writes a new one, with all that a student
who works there has written. So the folder is copied first, to `<assignment>.yours-1` beside it: a
folder that is no assignment's, so that it is neither handed out nor graded nor read for leaks. The
copy goes again where it turns out to hold nothing that is anybody's.

What was released is known by digests in the course's state folder. Without them (a fresh clone) a
file is somebody's if its answers are not those of the new release. What git has is not lost.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.utils import is_solution

from grader.errors import StorageError
from grader.release.sources import grade_id_of

_PASSING = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")
_MARK = ".yours-"


class Replaced:
    """A folder that a release is about to replace.

    Args:
        folder: of the assignment, among the released ones; it need not exist.
        record: file in which the digests of a release are kept.
    """

    def __init__(self, folder: Path, record: Path) -> None:
        self._folder = folder
        self._record = record
        self._known = _read(record)
        self._suspects: list[str] = []
        self._copy: Path | None = None

    def save(self) -> None:
        """Copy the folder if anything in it may be somebody's; call it before the release.

        Raises:
            StorageError: it cannot be copied, and nothing was touched.
        """
        now = _digests(self._folder)
        known = self._known or {}
        suspects = [name for name, digest in now.items() if known.get(name) != digest]
        if suspects:
            in_git = _in_git(self._folder)
            self._suspects = [name for name in suspects if name not in in_git]
        if not self._suspects:
            return
        number = 1
        while (target := self._folder.with_name(f"{self._folder.name}{_MARK}{number}")).exists():
            number += 1
        try:
            shutil.copytree(self._folder, target, symlinks=True, ignore=_PASSING)
        except (OSError, shutil.Error) as error:
            shutil.rmtree(target, ignore_errors=True)
            reason = str(error).splitlines()[0][:200]
            raise StorageError(
                f"{self._folder} was changed since its release and cannot be kept in {target}: "
                f"{reason}. Nothing was released."
            ) from None
        self._copy = target

    def settle(self) -> Path | None:
        """Where the changed files are kept, or None where none were; call it after the release."""
        if self._copy is None:
            return None
        if any(self._is_somebodys(name, self._copy) for name in self._suspects):
            return self._copy
        shutil.rmtree(self._copy, ignore_errors=True)
        return None

    def note(self) -> None:
        """Take down what is released now.

        Raises:
            StorageError: the record cannot be written.
        """
        try:
            self._record.parent.mkdir(parents=True, exist_ok=True)
            self._record.write_text(json.dumps(_digests(self._folder), indent=1) + "\n", "utf-8")
        except OSError as error:
            raise StorageError(f"{self._record} cannot be written: {error.strerror}.") from None

    def _is_somebodys(self, name: str, copy: Path) -> bool:
        before, after = copy / name, self._folder / name
        if not after.is_file():
            return True
        if before.read_bytes() == after.read_bytes():
            return False
        if self._known is not None or before.suffix != ".ipynb":
            return True
        return bool(_written_in(before) != _written_in(after))


def _read(record: Path) -> dict[str, str] | None:
    """Digests by file, or None where nothing was taken down, or nothing that can be read."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(record.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return None


def _digests(folder: Path) -> dict[str, str]:
    """SHA-256 by relative path; what is no plain file is named, and has no digest."""
    found = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if {".ipynb_checkpoints", "__pycache__"} & set(inside.parts) or path.is_dir():
            continue
        plain = path.is_file() and not path.is_symlink()
        content = path.read_bytes() if plain else b"\0"
        found[inside.as_posix()] = hashlib.sha256(content).hexdigest()
    return found


def _in_git(folder: Path) -> set[str]:
    """Files of a folder that are in git as they are here, by relative path."""

    def asked(*words: str) -> set[str]:
        command = ["git", "-C", str(folder), *words]
        said = subprocess.run(command, capture_output=True, check=True, timeout=60)
        return {name for name in said.stdout.decode(errors="replace").split("\0") if name}

    try:
        tracked = asked("ls-files", "-z", "--", ".")
        changed = asked("diff", "--name-only", "--relative", "-z", "HEAD", "--", ".")
    except (OSError, subprocess.SubprocessError):  # no git, no repository, no commit
        return set()
    return tracked - changed


def _written_in(path: Path) -> Any:
    """What of a notebook a student writes: answers, cells of their own, and results of a run."""
    try:
        cells = nbformat.read(path, as_version=4).cells
    except Exception:  # nbformat trusts its input; whatever it is, it is no release
        return path.read_bytes()
    answers = {grade_id_of(cell): cell.source for cell in cells if is_solution(cell)}
    own = [cell.source for cell in cells if cell.cell_type == "code" and not grade_id_of(cell)]
    outputs = [cell.outputs for cell in cells if cell.cell_type == "code" and cell.outputs]
    return answers, own, outputs
