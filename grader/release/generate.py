"""Make the version of an assignment that students get."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.converters import GenerateAssignment

from grader.course import Course
from grader.errors import LeakError, ReleaseError
from grader.release.converter import run_converter
from grader.release.crossing import Finding, find_crossings
from grader.release.leaks import check_leaks, check_sources, secret_regions
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
    """

    assignment: str
    files: tuple[Path, ...]
    template: AssignmentTemplate
    findings: tuple[Finding, ...] = ()


def release_assignment(course: Course, name: str) -> Released:
    """Convert, generate and check one assignment.

    Raises:
        CourseError: there is no such assignment.
        ReleaseError: a source is malformed, or nbgrader refused it.
        LeakError: the released files held a solution or a hidden test; they are gone again.
    """
    course.require(name)
    if course.solutions is not None:
        convert_sources(course.solutions / name / f"{name}.md", course.path("source", name))
    assignment = course.assignment(name)
    regions = secret_regions(course.config)
    check_sources(assignment.notebooks, regions)
    _generate(course, name)
    released = course.path("release", name)
    for notebook in sorted(released.glob("*.ipynb")):
        _settle(notebook)
    files = tuple(sorted(path for path in released.rglob("*") if path.is_file()))
    try:
        check_leaks(assignment.notebooks, files, regions)
    except LeakError:
        shutil.rmtree(released)
        raise
    findings: list[Finding] = []
    for path in assignment.notebooks:
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            cell.source = with_usual_markers(cell.source, regions[1:])
        findings += find_crossings(path.stem, notebook)
        findings += find_telling(path.stem, notebook)
    return Released(name, files, load_template(course, name), tuple(findings))


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
