"""Take in what a learning platform or a mail box gives: a folder or a zip of submissions."""

from __future__ import annotations

import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from grader.course import Course, is_safe_name
from grader.errors import IntakeError, StorageError

_MAX_ENTRIES = 20_000
_MOODLE = re.compile(r"_[0-9]+_assignsubmission_(?:file|onlinetext)_?$")
"""What Moodle appends to a student's name, where it makes a folder for each."""
_UNCLEAR = "its name does not say whose notebook it is, as STUDENT/NOTEBOOK.ipynb would"


@dataclass(frozen=True)
class Unpacked:
    """What became of one entry of a bundle.

    Attributes:
        entry: its name in the bundle; untrusted.
        student: whose submission it is, or "" where it was passed over.
        reason: why it was passed over, or "".
    """

    entry: str
    student: str
    reason: str = ""


def unpack_bundle(course: Course, assignment: str, bundle: Path) -> list[Unpacked]:
    """Copy the notebooks of `bundle` to the submitted folders of `assignment`.

    Understood layouts are STUDENT/NOTEBOOK.ipynb, STUDENT/ASSIGNMENT/NOTEBOOK.ipynb,
    ASSIGNMENT/STUDENT/NOTEBOOK.ipynb, and, for an assignment of one notebook, STUDENT.ipynb or
    STUDENT_anything_NOTEBOOK.ipynb as learning platforms name downloads. All of it may lie in one
    folder that is called like the zip. Other entries are reported and left out: a folder within a
    student's is that student's, whatever its name.

    Raises:
        CourseError: there is no such assignment.
        IntakeError: the bundle is missing, or no folder or zip.
        StorageError: a file cannot be written.
    """
    expected = [path.stem for path in course.assignment(assignment).notebooks]
    limit = course.limits.submission_size
    report: list[Unpacked] = []
    taken: set[tuple[str, str]] = set()
    for name, size, open_entry in _entries(bundle):
        # a Mac writes accents as characters of their own; bytes that are no text cannot be shown
        entry = unicodedata.normalize("NFC", name).encode("utf-8", "replace").decode("utf-8")
        student, notebook = _owner(PurePosixPath(entry), assignment, expected, bundle.stem)
        if not student or not notebook:
            report.append(Unpacked(entry, "", _UNCLEAR))
        elif (student, notebook) in taken:
            report.append(Unpacked(entry, "", f"the bundle has another {notebook} of {student}"))
        elif size > limit:
            report.append(Unpacked(entry, "", f"it is larger than {limit / 2**20:.0f} MiB"))
        else:
            data = _read(open_entry, limit)
            if data is None:
                report.append(Unpacked(entry, "", "it cannot be unpacked within its size"))
                continue
            _store(course.path("submitted", assignment, student) / f"{notebook}.ipynb", data)
            taken.add((student, notebook))
            report.append(Unpacked(entry, student))
    return report


def _read(open_entry: Callable[[], IO[bytes]], limit: int) -> bytes | None:
    """Bytes of an entry, whatever size its header claims; None for more than `limit` or damage."""
    try:
        with open_entry() as file:
            data = file.read(limit + 1)
    except Exception:  # damaged, encrypted, packed in an unknown way: zipfile raises anything
        return None
    return data if len(data) <= limit else None


def _open(path: Path) -> IO[bytes]:
    return path.open("rb")


def _entries(bundle: Path) -> Iterator[tuple[str, int, Callable[[], IO[bytes]]]]:
    if bundle.is_dir():
        for path in sorted(bundle.rglob("*.ipynb")):
            if path.is_file() and not path.is_symlink():
                name = path.relative_to(bundle).as_posix()
                yield name, path.stat().st_size, partial(_open, path)
        return
    try:
        archive = zipfile.ZipFile(bundle)
    except FileNotFoundError:
        raise IntakeError(f"There is no file or folder {bundle} to take in.") from None
    except Exception:  # an index made by hand can raise more than BadZipFile
        raise IntakeError(f"{bundle} is neither a folder nor a zip file.") from None
    with archive:
        entries = archive.infolist()
        if len(entries) > _MAX_ENTRIES:
            raise IntakeError(
                f"{bundle} holds {len(entries)} files; {_MAX_ENTRIES} is the most that is taken in."
            )
        for info in entries:
            if not info.is_dir():
                yield info.filename, info.file_size, partial(archive.open, info)


def _owner(
    entry: PurePosixPath, assignment: str, expected: list[str], wrapper: str
) -> tuple[str, str]:
    """Student and notebook that an entry's name means, each "" where it means none.

    Only the uppermost folder names a student: those below it are what the student handed in.
    """
    if entry.suffix != ".ipynb" or ".." in entry.parts or entry.is_absolute():
        return "", ""
    *folders, _ = entry.parts
    folders = folders[1:] if folders[:1] == [wrapper] else folders
    folders = [name for name in folders if name != assignment]
    student, notebook = "", ""
    if len(folders) == 1 and entry.stem in expected:
        student, notebook = _MOODLE.sub("", folders[0]), entry.stem
    elif not folders and len(entry.parts) == 1 and len(expected) == 1:
        student, notebook = entry.stem.split("_")[0], expected[0]
    return (student, notebook) if is_safe_name(student) else ("", "")


def _store(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}.") from None
