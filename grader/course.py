"""A course on disk: where things are, and the limits its instructor set.

This is the only reader of configuration. It reads the same `nbgrader_config.py` as nbgrader
does, so a course that nbgrader can grade needs no other file. The grader's own settings are
traits of `Grader` in that file, for example `c.Grader.memory = "4G"`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jupyter_core.paths
from nbgrader.coursedir import CourseDirectory
from traitlets import Bool, Dict, Enum, Float, Integer, List, TraitError, Unicode, validate
from traitlets.config import Config, Configurable
from traitlets.config.loader import PyFileConfigLoader

from grader.errors import CourseError

CONFIG_NAME = "nbgrader_config.py"
_SIZE = re.compile(r"(\d{1,15}(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\Z", re.IGNORECASE)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_FOLDERS = {"{nbgrader_step}", "{student_id}", "{assignment_id}"}
_LONGEST_NAME = 200
"""Bytes; file systems allow 255, and reports add an ending."""


class Size(Integer[int, Any]):
    """A trait in bytes: an int, or a string such as "512M", "2G" or "1.5 GiB" (powers of 2)."""

    def __init__(self, default: str, **options: Any) -> None:
        super().__init__(parse_size(default), **options)

    def validate(self, obj: Any, value: Any) -> int:
        """The size in bytes; raises TraitError for anything that is none."""
        return int(super().validate(obj, parse_size(value) if isinstance(value, str) else value))


def parse_size(text: str) -> int:
    """Bytes meant by `text`, such as "512M"."""
    match = _SIZE.match(text.strip())
    if match is None:
        raise TraitError(f"{text!r} is not a size: write bytes, or a number with K, M, G or T")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def is_safe_name(name: str) -> bool:
    """Whether `name` may become a folder: of letters, accents, digits and some of "_.+@ -"."""
    # a mark (M) is an accent or a vowel sign; without them some names cannot be written
    kinds = ["_" if c == "_" else unicodedata.category(c)[0] for c in name]
    return (
        all(kind in "LMN_" or c in ".+@ -" for kind, c in zip(kinds, name, strict=True))
        and kinds[:1] in (["L"], ["N"], ["_"])
        and not name.endswith(" ")
        and len(name.encode("utf-8")) <= _LONGEST_NAME
    )


@dataclass(frozen=True)
class Limits:
    """What one notebook may use while it runs. Times in seconds, sizes in bytes."""

    cell_timeout: float = 30.0
    notebook_timeout: float = 120.0
    startup_timeout: float = 60.0
    memory: int = 2 * 2**30
    processes: int = 64
    open_files: int = 512
    file_size: int = 64 * 2**20
    disk: int = 256 * 2**20
    output: int = 2 * 2**20
    cpus: int = 1
    submission_size: int = 16 * 2**20


class Grader(Configurable):
    """The `c.Grader.*` settings of `nbgrader_config.py`."""

    solutions_directory = Unicode(
        "", help="Folder of text sources; empty for a course that writes notebooks in source/."
    ).tag(config=True)
    pages_directory = Unicode(
        "", help="Folder of pages that students read, which `grader audit` searches for answers."
    ).tag(config=True)
    sandbox = Enum(["bubblewrap", "none"], "bubblewrap", help="How student code is isolated.").tag(
        config=True
    )
    workers = Integer(0, min=0, help="Submissions graded at once; 0 means one for each core.").tag(
        config=True
    )
    scheduler = Unicode(
        "", help="Address of a Dask scheduler; empty for workers of the grader's own."
    ).tag(config=True)
    device = Enum(["cpu", "cuda"], "cpu", help="What assignments with a DEVICE run on.").tag(
        config=True
    )
    warm_kernels = Bool(
        True, help="Fork kernels from one that has imported what the assignment imports."
    ).tag(config=True)
    preload = List(
        Unicode(), None, allow_none=True, help="Modules of warm kernels, instead of those."
    ).tag(config=True)
    gradebook_patience = Float(
        30.0, min=0, help="Seconds that a run waits at its end for a gradebook that is busy."
    ).tag(config=True)
    parameters = Dict(help="papermill parameters given to every graded notebook.").tag(config=True)
    show_messages = Bool(True, help="Show students the first line of a failed test's message.").tag(
        config=True
    )
    cell_timeout = Float(30.0, help="Seconds one cell may run.").tag(config=True)
    notebook_timeout = Float(120.0, help="Seconds one notebook may run in all.").tag(config=True)
    startup_timeout = Float(60.0, help="Seconds a kernel may take to start.").tag(config=True)
    memory = Size("2G", help="Memory of a kernel and all it starts.").tag(config=True)
    processes = Integer(64, help="Processes and threads of one kernel.").tag(config=True)
    open_files = Integer(512, help="Open files of one process.").tag(config=True)
    file_size = Size("64M", help="Largest file it may write.").tag(config=True)
    disk = Size("256M", help="All files it may write.").tag(config=True)
    output = Size("2M", help="All output of one notebook.").tag(config=True)
    cpus = Integer(1, help="Threads that numerical libraries use in a kernel.").tag(config=True)
    submission_size = Size("16M", help="Largest submitted notebook file.").tag(config=True)

    @validate(*Limits.__dataclass_fields__)
    def _positive(self, proposal: Any) -> Any:
        if not proposal["value"] > 0:
            raise TraitError(f"{proposal['trait'].name} must be more than 0")
        return proposal["value"]

    def limits(self) -> Limits:
        """The limits as plain data, fit to travel to a worker."""
        return Limits(**{name: getattr(self, name) for name in Limits.__dataclass_fields__})


@dataclass(frozen=True)
class Assignment:
    """One assignment: its name and its instructor version (solutions and hidden tests included)."""

    name: str
    source: Path

    @property
    def notebooks(self) -> list[Path]:
        """The instructor's notebooks, in order of name."""
        return sorted(self.source.glob("*.ipynb"))

    @property
    def data_files(self) -> list[Path]:
        """Files beside the notebooks that a student's code may read, in order of name."""
        return sorted(
            path
            for path in self.source.rglob("*")
            if path.is_file() and path.suffix != ".ipynb" and ".ipynb_checkpoints" not in path.parts
        )


@dataclass(frozen=True)
class Submission:
    """One student's folder for one assignment."""

    student: str
    assignment: str
    directory: Path


class Course:
    """A course directory with its configuration read.

    Args:
        root: the folder that holds `nbgrader_config.py` (or source/, release/ ...).

    Raises:
        CourseError: the folder does not exist, or its configuration cannot be read.
    """

    def __init__(self, root: Path | str = ".") -> None:
        self.root = Path(root).resolve()
        if not self.root.is_dir():
            raise CourseError(
                f"There is no course at {self.root}: name the folder that holds "
                f"{CONFIG_NAME} with --course."
            )
        self.config = _load_config(self.root)
        file = self.root / CONFIG_NAME
        known = Grader.class_trait_names(config=True)
        for name in self.config.Grader:
            if name not in known:  # a misspelt limit must not pass for the default
                raise CourseError(
                    f"{file} sets c.Grader.{name}, which does not exist; "
                    f"there are {', '.join(sorted(known))}."
                )
        try:
            self.settings = Grader(config=self.config)
            self.limits = self.settings.limits()
            self.directory = CourseDirectory(config=self.config)
        except TraitError as error:
            reason = str(error).rstrip(".")
            raise CourseError(f"A setting in {file} is wrong: {reason}.") from None
        structure = self.directory.directory_structure
        if not _FOLDERS.issubset(Path(structure).parts):
            raise CourseError(
                f"CourseDirectory.directory_structure in {file} is {structure!r}, but each of "
                f"{', '.join(sorted(_FOLDERS))} must be a folder of its own."
            )

    @property
    def db_url(self) -> str:
        """SQLAlchemy URL of nbgrader's gradebook."""
        return str(self.directory.db_url)

    @property
    def db_name(self) -> str:
        """`db_url` for people to read: without its password."""
        return re.sub(r"(?<=://)([^/@:]*):[^/]*@", r"\1:***@", self.db_url)

    @property
    def state(self) -> Path:
        """Where the grader keeps results between runs."""
        return self.root / ".grader"

    @property
    def solutions(self) -> Path | None:
        """Folder of text sources, or None where notebooks themselves are the source."""
        name = self.settings.solutions_directory
        return self.root / name if name else None

    @property
    def pages(self) -> list[Path]:
        """Pages that students read besides their notebooks, in order of name."""
        name = self.settings.pages_directory
        found = (self.root / name).rglob("*") if name else []
        return sorted(path for path in found if path.suffix in (".md", ".ipynb"))

    def path(self, step: str, assignment: str, student: str = ".") -> Path:
        """Folder of `assignment` in one nbgrader step.

        Args:
            step: "source", "release", "submitted", "autograded" or "feedback".
        """
        folder = getattr(self.directory, f"{step}_directory")
        return Path(self.directory.format_path(folder, student, assignment))

    @cached_property
    def assignment_names(self) -> list[str]:
        """All assignments that have a source, in order of name."""
        if self.solutions is not None:
            return sorted(
                path.parent.name
                for path in self.solutions.glob("*/*.md")
                if path.stem == path.parent.name
            )
        found = self._folders(self.path("source", "*"))
        return [name for name, folder in found if any(folder.glob("*.ipynb"))]

    def require(self, assignment: str) -> str:
        """`assignment` itself, if the course has it.

        Raises:
            CourseError: it has no such assignment; the sentence names those that it has.
        """
        if assignment in self.assignment_names:
            return assignment
        known = ", ".join(self.assignment_names) or "none at all"
        raise CourseError(f"There is no assignment {assignment!r} in {self.root}; it has {known}.")

    def assignment(self, name: str) -> Assignment:
        """The instructor's notebooks of assignment `name`.

        Raises:
            CourseError: there is no such assignment, or its text source was never converted.
        """
        found = Assignment(self.require(name), self.path("source", name))
        if not found.notebooks:
            raise CourseError(
                f"Assignment {name!r} has no notebook in {found.source}; "
                f"run `grader release {name}` first."
            )
        return found

    def submissions(self, assignment: str, student: str | None = None) -> Iterator[Submission]:
        """The submitted folders of one assignment, in order of student.

        A folder whose name could not be a student's id is passed over; intake reports those.
        """
        for name, directory in self._folders(self.path("submitted", assignment, "*")):
            if directory.is_dir() and is_safe_name(name) and student in (None, name):
                yield Submission(name, assignment, directory)

    @staticmethod
    def _folders(pattern: Path) -> Iterator[tuple[str, Path]]:
        """What "*" may stand for in `pattern`, and the path it then means, in order of name."""
        depth = pattern.parts.index("*")
        for folder in sorted(Path(*pattern.parts[:depth]).glob("*")):
            yield folder.name, folder.joinpath(*pattern.parts[depth + 1 :])


def _load_config(root: Path) -> Config:
    """Configuration as nbgrader reads it: Jupyter's folders first, the course's own file last."""
    merged = Config()
    for folder in [*reversed(jupyter_core.paths.jupyter_config_path()), str(root)]:
        file = Path(folder) / CONFIG_NAME
        if file.is_file():
            try:
                merged.merge(PyFileConfigLoader(file.name, path=folder).load_config())
            # instructor's Python file: any exception can come out
            except (Exception, SystemExit) as error:
                reason = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")
                raise CourseError(f"{file} cannot be read: {reason}.") from None
    merged.CourseDirectory.root = str(root)
    return merged
