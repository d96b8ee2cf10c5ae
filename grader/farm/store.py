"""Results on disk, one file a student, so that a stopped run goes on where it was."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from grader.course import Course, is_safe_name
from grader.errors import StorageError
from grader.split import NotebookResult

FORMAT = 1
_WRITING = ".writing-"


@dataclass(frozen=True)
class SubmissionRecord:
    """What grading one submission found.

    Attributes:
        student: whose it is.
        assignment: name of the assignment.
        key: hash of the submission, the assignment, the limits and the environment; a record with
            another key is out of date.
        results: one for each notebook of the assignment, in order of name.
        problems: what intake put right, by notebook; "" for the folder as a whole.
        unreadable: why a notebook could not be used at all, by notebook.
        timestamp: when it was handed in, or "".
        fault: why the grader itself failed, or "". Such a record is made again on the next run.
        scored: whether the gradebook has it.
        handed_in: hash of what the student handed in alone; "" in records of older graders.
        finished: when its run ended, in seconds since 1970; 0 in records of older graders.
        worker: name of the machine that ran it, or "".
        crowded: a test ran out of time that had little of a processor, on a machine that had more
            to do than it could.
    """

    student: str
    assignment: str
    key: str
    results: tuple[NotebookResult, ...]
    problems: dict[str, tuple[str, ...]]
    unreadable: dict[str, str]
    timestamp: str = ""
    fault: str = ""
    scored: bool = False
    handed_in: str = ""
    finished: float = 0.0
    worker: str = ""
    crowded: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data."""
        # not `asdict`, which copies whole notebooks
        fields = {**vars(self), "results": [result.to_json() for result in self.results]}
        return {"format": FORMAT, **fields}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SubmissionRecord:
        """The inverse of `to_json`; raises KeyError, TypeError or ValueError for other data."""
        fields = dict(data)
        if fields.pop("format") != FORMAT:
            raise ValueError("made by another version")
        fields["results"] = tuple(NotebookResult.from_json(r) for r in data["results"])
        fields["problems"] = {name: tuple(found) for name, found in data["problems"].items()}
        return cls(**fields)


class ResultStore:
    """The records of one assignment, under the course's state folder."""

    def __init__(self, course: Course, assignment: str) -> None:
        self._folder = course.state / "results" / assignment

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """The store for one run alone, without what a run that was killed was just writing.

        Raises:
            StorageError: another run has it, or the disk is read-only.
        """
        with closing(self._lock_file()) as file:
            if not _locked(file):
                raise StorageError(
                    f"Another run is grading {self._folder.name!r} now: wait until it ends."
                )
            for left in self._folder.glob(f"{_WRITING}*"):
                left.unlink(missing_ok=True)
            yield

    def _lock_file(self) -> IO[str]:
        path = self._folder.with_name(f".{self._folder.name}.lock")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return path.open("w", encoding="utf-8")
        except OSError as error:
            raise _unwritable(path, error) from None

    def load(self, student: str) -> SubmissionRecord | None:
        """The record of one student, or None where there is none that can be read."""
        try:
            return SubmissionRecord.from_json(json.loads(self._path(student).read_bytes()))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def load_all(self) -> list[SubmissionRecord]:
        """All readable records, in order of student."""
        return list(self.each())

    def each(self) -> Iterator[SubmissionRecord]:
        """All readable records, in order of student, one at a time."""
        for name in sorted(path.stem for path in self._folder.glob("*.json")):
            if (record := self.load(name)) is not None:
                yield record

    def save(self, record: SubmissionRecord) -> None:
        """Write a record whole or not at all.

        Raises:
            StorageError: the disk is full or read-only.
        """
        write_whole(self._path(record.student), json.dumps(record.to_json()))

    def mark_scored(self, record: SubmissionRecord) -> SubmissionRecord:
        """Note that the gradebook has the record."""
        scored = replace(record, scored=True)
        self.save(scored)
        return scored

    def _path(self, student: str) -> Path:
        if not is_safe_name(student):
            raise StorageError(f"{student!r} cannot name a file: rename that student's folder.")
        return self._folder / f"{student}.json"


def write_whole(path: Path, text: str) -> None:
    """Write `text` to `path` through a temporary file, so that no reader sees half of it.

    Raises:
        StorageError: the folder cannot be written to.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=_WRITING)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{path} cannot be written: {error.strerror}. "
        "Make room or permission for it and run the command again."
    )


def _locked(file: IO[str]) -> bool:
    """Lock an open file until it is closed, or this process is killed; False where another has."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks
    return True
