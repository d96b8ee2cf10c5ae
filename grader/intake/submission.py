"""Read one student's folder, within limits."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from grader.course import Limits, Submission

_MAX_FILES = 200
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
    files, problems = _other_files(submission.directory, set(expected), limits.disk)
    stamp, _ = _read(submission.directory / "timestamp.txt", 200)
    text = (stamp or b"").decode("utf-8", "replace").strip()
    return SubmittedFiles(notebooks, unusable, files, problems, text)


def _read(path: Path, size: int) -> tuple[bytes | None, str]:
    """The bytes of a plain file, or None and a sentence ("" where there is no file)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None, ""
    except OSError:
        return None, f"{path.name} is a link or cannot be opened."
    with os.fdopen(descriptor, "rb") as file:
        info = os.fstat(file.fileno())
        if not stat.S_ISREG(info.st_mode):
            return None, f"{path.name} is not a plain file."
        if info.st_size > size:
            return None, (
                f"{path.name} has {info.st_size / 2**20:.0f} MiB; {size / 2**20:.0f} MiB is the "
                "most allowed: clear its outputs and hand it in again."
            )
        return file.read(size), ""


def _other_files(
    folder: Path, expected: set[str], room: int
) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Files beside the notebooks, which a student's code may want to open."""
    files: dict[str, bytes] = {}
    problems: list[str] = []
    for path in _walk(folder):
        relative = path.relative_to(folder)
        if path.suffix == ".ipynb" and path.parent == folder:
            if path.stem not in expected:
                problems.append(f"{path.name} is not part of the assignment and was left out.")
            continue
        raw, reason = _read(path, room)
        if raw is None:
            problems.append(reason)
            continue
        room -= len(raw)
        files[relative.as_posix()] = raw
    return files, tuple(problems)


def _walk(folder: Path) -> list[Path]:
    found: list[Path] = []
    for root, directories, names in os.walk(folder, followlinks=False):
        directories[:] = sorted(d for d in directories if d not in _IGNORED)
        found += [Path(root) / name for name in sorted(names) if name not in _IGNORED]
        if len(found) > _MAX_FILES:
            return found[:_MAX_FILES]
    return found
