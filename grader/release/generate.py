"""Make the version of an assignment that students get."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.converters import GenerateAssignment

from grader.course import Course
from grader.errors import LeakError, ReleaseError
from grader.release.converter import run_converter
from grader.release.crossing import Finding, find_crossings
from grader.release.kept import Replaced
from grader.release.leaks import Regions, check_leaks, check_sources, secret_regions
from grader.release.marks import with_usual_markers
from grader.release.sources import convert_sources, set_cell_ids
from grader.release.telling import find_telling
from grader.release.template import AssignmentTemplate, load_template


@dataclass(frozen=True)
class Released:
    """What `release_assignment` made.

    Attributes:
        assignment: its name.
        files: the released files.
        template: the instructor version as the gradebook now holds it.
        findings: what in its tests cannot cross from the answer kernel to the test kernel, and
            what they tell a student's code.
        kept: where that is which somebody had changed in the release before, if anybody had.
    """

    assignment: str
    files: tuple[Path, ...]
    template: AssignmentTemplate
    findings: tuple[Finding, ...] = ()
    kept: Path | None = None


def release_assignment(course: Course, name: str) -> Released:
    """Convert, generate and check one assignment.

    Raises:
        CourseError: there is no such assignment.
        ReleaseError: a source is malformed, or nbgrader refused it.
        LeakError: the released files held a solution or a hidden test; they are gone again.
        StorageError: what was changed in the last release cannot be kept, so it was left alone.
    """
    course.require(name)
    if course.solutions is not None:
        convert_sources(course.solutions / name / f"{name}.md", course.path("source", name))
    assignment = course.assignment(name)
    regions = secret_regions(course.config)
    check_sources(assignment.notebooks, regions)
    released = course.path("release", name)
    before = Replaced(released, course.state / "released" / f"{name}.json")
    before.save()
    try:
        files = _release(course, name, released, assignment.notebooks, regions)
    except ReleaseError as error:
        kept = before.settle()
        if kept is None:
            raise
        raise type(error)(f"{error} What was changed in {released} is in {kept}.") from None
    before.note()
    findings: list[Finding] = []
    for path in assignment.notebooks:
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            cell.source = with_usual_markers(cell.source, regions[1:])
        findings += find_crossings(path.stem, notebook)
        findings += find_telling(path.stem, notebook)
    template = load_template(course, name)
    return Released(name, files, template, tuple(findings), before.settle())


def _release(
    course: Course, name: str, released: Path, sources: Sequence[Path], regions: Regions
) -> tuple[Path, ...]:
    """Write the released files, and let none of them stay where one shows a secret."""
    _generate(course, name)
    for notebook in sorted(released.glob("*.ipynb")):
        _settle(notebook)
    files = tuple(sorted(path for path in released.rglob("*") if path.is_file()))
    try:
        check_leaks(sources, files, regions)
    except LeakError:
        shutil.rmtree(released)
        raise
    return files


def _generate(course: Course, name: str) -> None:
    """Run nbgrader's own generate_assignment, which also fills the gradebook."""
    course.directory.assignment_id = name
    converter = GenerateAssignment(coursedir=course.directory, config=course.config)
    converter.force = True
    run_converter(converter, f"generate assignment {name!r}", ReleaseError)


def _settle(path: Path) -> None:
    """Rewrite a released notebook so that equal sources give equal bytes."""
    notebook = nbformat.read(path, as_version=4)
    set_cell_ids(notebook)
    path.chmod(0o644)
    nbformat.write(notebook, path)
