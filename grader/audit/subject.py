"""What there is to audit of an assignment, read from the instructor's sources."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from grader.audit.mutants import Mutant, mutants_of
from grader.audit.variants import Step, asked, step_of, steps_of
from grader.course import Course
from grader.errors import CourseError
from grader.release.catalogue import Variant, load_variants
from grader.release.edits import read_entries
from grader.release.leaks import Regions, secret_regions
from grader.release.sources import DATA_FOLDER, read_source

EQUIVALENTS = "equivalents.toml"
_FIELDS = ("function", "original", "mutant", "reason")


@dataclass(frozen=True)
class Equivalent:
    """An instructor's word that a mutant does the same as the reference, and why.

    Attributes:
        function: that the edit is in.
        original: the lines that the edit changes.
        mutant: the lines that it puts there.
        reason: a sentence that a reviewer can check.
    """

    function: str
    original: str
    mutant: str
    reason: str

    def covers(self, mutant: Mutant) -> bool:
        """Whether it speaks of `mutant`. Blank space at line ends and indentation do not count."""
        said = (self.function, _lines(self.original), _lines(self.mutant))
        return said == (mutant.function, _lines(mutant.removed), _lines(mutant.added))


@dataclass(frozen=True)
class Subject:
    """One notebook of an assignment.

    Attributes:
        assignment: whose it is.
        name: of the notebook.
        notebook: the instructor's, solutions and hidden tests included.
        steps: in order.
        variants: misconceptions and alternatives; empty where there are no catalogues.
        equivalents: mutants that need not be killed.
        regions: markers of solutions, hidden tests and mark schemes.
        data: the assignment's data files, by relative path.
    """

    assignment: str
    name: str
    notebook: NotebookNode
    steps: tuple[Step, ...]
    variants: tuple[Variant, ...]
    equivalents: tuple[Equivalent, ...]
    regions: Regions
    data: dict[str, bytes]

    def of_kind(self, kind: str) -> list[Variant]:
        """The misconceptions, or the alternatives."""
        return [variant for variant in self.variants if variant.kind == kind]

    def step_of(self, function: str) -> Step:
        """The step in which students write `function`; raises CourseError without one."""
        return step_of(self.notebook, function)

    def mutants(self) -> list[tuple[Step, Mutant]]:
        """All mutants, with the step that should notice each."""
        begin, end = self.regions[0]
        owner = {cell: step for step in self.steps for cell in step.solution_ids}
        found = []
        for cell in self.notebook.cells:
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
            if grade_id in owner:
                made = mutants_of(grade_id, cell.source, begin, end)
                found += [(owner[grade_id], mutant) for mutant in made]
        return found

    @contextlib.contextmanager
    def folder(self) -> Iterator[Path]:
        """A folder with the data files, for as long as the block runs."""
        with tempfile.TemporaryDirectory(prefix="grader-audit-") as name:
            for path, content in self.data.items():
                target = Path(name) / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            yield Path(name)

    @property
    def data_digest(self) -> str:
        """Changes with the data files."""
        digest = hashlib.sha256()
        for path, content in sorted(self.data.items()):
            digest.update(f"{path}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()


def read_subjects(course: Course, assignment: str) -> list[Subject]:
    """The notebooks of `assignment` that have steps, in order of name.

    Raises:
        CourseError: there is no such assignment, or one of its catalogues is broken.
        ReleaseError: a text source is malformed.
    """
    course.require(assignment)
    regions = secret_regions(course.config)
    variants: tuple[Variant, ...] = ()
    equivalents: tuple[Equivalent, ...] = ()
    if course.solutions is not None:
        home = course.solutions / assignment
        notebook = read_source(home / f"{assignment}.md")
        notebooks = {assignment: notebook}
        data = _files(home / DATA_FOLDER, home)
        variants = asked(notebook, load_variants(home, notebook))
        equivalents = read_equivalents(home / EQUIVALENTS)
    else:
        source = course.assignment(assignment)
        notebooks = {path.stem: _notebook(path) for path in source.notebooks}
        data = {p.relative_to(source.source).as_posix(): p.read_bytes() for p in source.data_files}
    return [
        Subject(assignment, name, notebook, tuple(steps), variants, equivalents, regions, data)
        for name, notebook in notebooks.items()
        if (steps := steps_of(notebook))
    ]


def read_equivalents(path: Path) -> tuple[Equivalent, ...]:
    """The entries of an `equivalents.toml`, or none where there is no such file.

    Raises:
        CourseError: the file is no TOML, or an entry lacks something or has too much.
    """
    if not path.is_file():
        return ()
    entries = read_entries(path, "equivalent", _FIELDS)
    return tuple(Equivalent(**entry) for entry in entries)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


def _files(folder: Path, root: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def _notebook(path: Path) -> NotebookNode:
    try:
        notebook: NotebookNode = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat trusts its input, so any exception is the file's
        reason = (str(error).splitlines() or [""])[0][:100].rstrip(".")
        raise CourseError(f"{path} cannot be read as a notebook: {reason}.") from None
    return notebook


def without_region(source: str, begin: str, end: str) -> str:
    """A cell without the lines from one that holds `begin` to one that holds `end`."""
    kept, inside = [], False
    for line in source.splitlines():
        inside = inside or begin in line
        if not inside:
            kept.append(line)
        inside = inside and end not in line
    return "\n".join(kept)
