"""Reports on disk: a page is there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from grader.errors import StorageError

_SMALL = 4096


def write_atomically(path: Path, text: str, *, group: bool = False) -> Path:
    """Write `text` as UTF-8 and move it into place in one step.

    Args:
        group: whether the instructors' group may change the file (nbgrader's `groupshared`).

    Raises:
        StorageError: the folder or the file cannot be written.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(temporary).chmod(0o664 if group else 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise StorageError(
            f"The report {path} could not be written: {error.strerror or error}. "
            "Make room or set the folder's permissions, then run the command again."
        ) from None
    return path


def read_small(path: Path) -> str | None:
    """The text of a small plain file that a student handed in, or None if it is no such thing.

    Links are not followed: a student's folder may hold one to a file of ours.
    """
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _SMALL:
            return None
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
