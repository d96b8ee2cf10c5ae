"""Take in what a learning platform or a mail box gives: a folder or a zip of submissions."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader.course import Course, is_safe_name
from grader.errors import IntakeError, StorageError

_MAX_ENTRIES = 20_000


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

    Understood layouts are STUDENT/NOTEBOOK.ipynb, STUDENT/ASSIGNMENT/NOTEBOOK.ipynb, and, for an
    assignment of one notebook, STUDENT.ipynb or STUDENT_anything_NOTEBOOK.ipynb as learning
    platforms name downloads. Other entries are reported and left out.

    Raises:
        CourseError: there is no such assignment.
        IntakeError: the bundle is missing, or no folder or zip.
        StorageError: a file cannot be written.
    """
    expected = [path.stem for path in course.assignment(assignment).notebooks]
    limit = course.limits.submission_size
    report: list[Unpacked] = []
    taken: set[tuple[str, str]] = set()
    for entry, size, read in _entries(bundle):
        student, notebook = _owner(PurePosixPath(entry), assignment, expected)
        if not student or not notebook:
            report.append(Unpacked(entry, "", "its name does not say whose notebook it is"))
        elif (student, notebook) in taken:
            report.append(Unpacked(entry, "", f"the bundle has another {notebook} of {student}"))
        elif size > limit:
            report.append(Unpacked(entry, "", f"it is larger than {limit / 2**20:.0f} MiB"))
        else:
            data = read(limit)
            if data is None:
                report.append(Unpacked(entry, "", "it cannot be unpacked within its size"))
                continue
            _store(course.path("submitted", assignment, student) / f"{notebook}.ipynb", data)
            taken.add((student, notebook))
            report.append(Unpacked(entry, student))
    return report


class _Reader:
    """Reads one entry up to a limit, whatever size its header claims."""

    def __init__(self, bundle: zipfile.ZipFile | None, name: str | Path) -> None:
        self._bundle, self._name = bundle, name

    def __call__(self, limit: int) -> bytes | None:
        """The bytes, or None where there are more than `limit` or they are damaged."""
        try:
            if self._bundle is None:
                with Path(self._name).open("rb") as file:
                    data = file.read(limit + 1)
            else:
                with self._bundle.open(str(self._name)) as file:
                    data = file.read(limit + 1)
        except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError):
            return None  # damaged, encrypted, or packed in a way that zipfile does not know
        return data if len(data) <= limit else None


def _entries(bundle: Path) -> Iterator[tuple[str, int, _Reader]]:
    if bundle.is_dir():
        for path in sorted(bundle.rglob("*.ipynb")):
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(bundle).as_posix(), path.stat().st_size, _Reader(None, path)
        return
    try:
        archive = zipfile.ZipFile(bundle)
    except FileNotFoundError:
        raise IntakeError(f"There is no file or folder {bundle} to take in.") from None
    except (zipfile.BadZipFile, OSError):
        raise IntakeError(f"{bundle} is neither a folder nor a zip file.") from None
    with archive:
        entries = archive.infolist()
        if len(entries) > _MAX_ENTRIES:
            raise IntakeError(
                f"{bundle} holds {len(entries)} files; {_MAX_ENTRIES} is the most that is taken in."
            )
        for info in entries:
            if not info.is_dir():
                yield info.filename, info.file_size, _Reader(archive, info.filename)


def _owner(entry: PurePosixPath, assignment: str, expected: list[str]) -> tuple[str, str]:
    """Student and notebook that an entry's name means, each "" where it means none."""
    parts = [part for part in entry.parts if part != assignment]
    if entry.suffix != ".ipynb" or ".." in parts or entry.is_absolute():
        return "", ""
    student, notebook = "", ""
    if len(parts) >= 2 and entry.stem in expected:
        student, notebook = parts[-2], entry.stem
    elif len(parts) == 1 and len(expected) == 1:
        student, notebook = entry.stem.split("_")[0], expected[0]
    return (student, notebook) if is_safe_name(student) else ("", "")


def _store(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}.") from None
