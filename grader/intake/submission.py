"""Read one student's folder, within limits."""

from __future__ import annotations

import os
import stat
from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from grader.course import Limits, Submission

_MAX_FILES = 200
_MAX_PATH = 250
"""Bytes of a file's path; the names of all files are told a sandbox in one message."""
_IGNORED = {"timestamp.txt", ".ipynb_checkpoints", "__pycache__"}


@dataclass(frozen=True)
class SubmittedFiles:
    """The bytes of one submission.

    Attributes:
        notebooks: by name without .ipynb, of the expected notebooks that are there.
        unusable: reasons why an expected notebook cannot be read, by name.
        files: other files that the student's code may read, by relative path.
        problems: sentences for the student about files that were left out.
        timestamp: text of nbgrader's timestamp.txt, or "".
    """

    notebooks: dict[str, bytes]
    unusable: dict[str, str]
    files: dict[str, bytes] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    timestamp: str = ""


def read_submission(submission: Submission, expected: list[str], limits: Limits) -> SubmittedFiles:
    """Read the expected notebooks and the other files of one submission.

    Links are never followed, and nothing above a limit is read into memory.

    Args:
        submission: whose folder to read.
        expected: names of the assignment's notebooks, without .ipynb.
        limits: `submission_size` bounds a notebook, `disk` all other files together.
    """
    notebooks: dict[str, bytes] = {}
    unusable: dict[str, str] = {}
    for name in expected:
        raw, reason = _read(submission.directory / f"{name}.ipynb", limits.submission_size)
        if raw is not None:
            notebooks[name] = raw
        elif reason:
            unusable[name] = reason
    files, problems = _other_files(submission.directory, expected, limits.disk)
    stamp, _ = _read(submission.directory / "timestamp.txt", 200)
    text = (stamp or b"").decode("utf-8", "replace").strip()
    return SubmittedFiles(notebooks, unusable, files, problems, text)


def _read(path: Path, size: int) -> tuple[bytes | None, str]:
    """The bytes of a plain file, or None and a sentence ("" where there is no file)."""
    name = _shown(path.name)
    try:
        with open(path, "rb", opener=_without_following) as file:
            info = os.fstat(file.fileno())
            if not stat.S_ISREG(info.st_mode):
                return None, f"{name} is not a plain file."
            if info.st_size > size:
                advice = "clear its outputs and " if path.suffix == ".ipynb" else ""
                return None, (
                    f"{name} has {info.st_size / 2**20:.1f} MiB, and {size / 2**20:.1f} "
                    f"MiB is left of what is allowed: {advice}hand in less."
                )
            return file.read(size), ""
    except FileNotFoundError:
        return None, ""
    except OSError:
        return None, f"{name} is a link or a folder, or cannot be opened."


def _without_following(path: str, flags: int) -> int:
    """Open neither what a link points to nor a pipe that nobody writes to."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _other_files(
    folder: Path, expected: list[str], room: int
) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Files beside the notebooks, which a student's code may want to open."""
    files: dict[str, bytes] = {}
    problems: list[str] = []
    paths, complete = _walk(folder)
    if not complete:
        problems.append(f"There are more than {_MAX_FILES} files; not all of them were taken in.")
    for path in paths:
        relative = path.relative_to(folder)
        if path.suffix == ".ipynb" and path.parent == folder:
            if path.stem not in expected:
                name = _shown(path.name)
                problems.append(f"{name} is not part of the assignment and was left out.")
            continue
        if not relative.as_posix().isprintable():
            name = _shown(path.name)
            problems.append(f"{name} was left out: its name holds what is no character.")
            continue
        if len(os.fsencode(relative)) > _MAX_PATH:
            problems.append(f"{_shown(path.name)[:40]}… was left out: its path is too long.")
            continue
        raw, reason = _read(path, room)
        if raw is None:
            problems.append(reason)
            continue
        room -= len(raw)
        files[relative.as_posix()] = raw
    return files, tuple(problems)


def _walk(folder: Path) -> tuple[list[Path], bool]:
    """All under `folder` but folders, nearest first, up to a limit; and whether that is all.

    Links are listed and not followed. Folders count too, which bounds the time for a deep tree.
    """
    found: list[Path] = []
    waiting = deque([folder])
    left = _MAX_FILES
    while waiting:
        try:
            with os.scandir(waiting.popleft()) as entries:
                some = sorted(
                    islice(entries, left + 1 + len(_IGNORED)), key=lambda entry: entry.name
                )
        except OSError:  # unreadable, or its path is too long
            continue
        for entry in some:
            if entry.name in _IGNORED:
                continue
            if left == 0:
                return found, False
            left -= 1
            if entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
            else:
                found.append(Path(entry.path))
    return found, True


def _shown(name: str) -> str:
    """A file's name as it may stand in a report: bytes that are no text become question marks."""
    return "".join(c if c.isprintable() else "?" for c in name)
