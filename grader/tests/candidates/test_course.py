"""A course in which students write a test: released, audited, and graded over two kernels."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import nbformat
import pytest

from grader.audit.audit import audit_assignments
from grader.audit.sample_class import answered
from grader.audit.subject import read_subjects
from grader.audit.variants import apply_variant
from grader.course import Course
from grader.farm import SubmissionRecord, grade
from grader.release import release_assignment
from grader.split import Outcome

from .checks import FIRST_IS_RIGHT, MANY

SOURCES = Path(__file__).parent / "solutions"
CONFIG = """\
c = get_config()
c.Grader.solutions_directory = "solutions"
c.CourseDirectory.source_directory = "made"
"""
CURIOUS = f"""\
import inspect


def look(of, value):
    try:
        return str(of(value))
    except Exception as error:
        return type(error).__name__


{MANY.replace("def check_softmax", "def check")}

def check_softmax(candidate):
    names = "__name__ __qualname__ __doc__ __code__ __closure__ __globals__ __defaults__ found"
    told = [look(lambda name: getattr(candidate, name), name) for name in names.split()]
    told += [look(of, candidate) for of in (inspect.getsource, inspect.signature, repr)]
    if told != EXPECTED and told[0] != "even":
        raise ValueError(told)
    check(candidate)
"""
"""A right test that first looks at each candidate; all of the hidden ones must look like this."""
REFUSED = ["CrossingAttributeError"] * 4
LOOKS = [
    *("candidate", "candidate", "None", *REFUSED, "CannotCross"),
    *("CrossingAttributeError", "(*arguments, **options)", "<function candidate>"),
]


@pytest.fixture
def course(tmp_path: Path) -> Course:
    shutil.copytree(SOURCES, tmp_path / "solutions")
    (tmp_path / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    return Course(tmp_path)


def test_its_release_shows_no_candidate(course: Course) -> None:
    released = release_assignment(course, "softmax")
    assert released.findings == ()
    text = (course.path("release", "softmax") / "softmax.ipynb").read_text(encoding="utf-8")
    for word in ("CANDIDATES", "candidates", "RIGHT", "overflow", "_plain", "through_the_log"):
        assert word not in text, word
    made = (course.path("source", "softmax") / "softmax.ipynb").read_text(encoding="utf-8")
    assert "CANDIDATES = _candidates_softmax()" in made


@pytest.mark.usefixtures("needs_bubblewrap")
def test_its_audit_passes(course: Course) -> None:
    [found] = audit_assignments(course, ["softmax"], seeds=5, workers=2)
    assert found.problems == []
    _, check = found.steps
    assert (check.misconceptions, check.detected, check.diagnosed) == (5, 5, 5)
    assert found.pipeline == "4 versions graded"


@pytest.mark.usefixtures("needs_bubblewrap")
def test_what_students_write_over_two_kernels(course: Course) -> None:
    release_assignment(course, "softmax")
    [subject] = read_subjects(course, "softmax")
    released = nbformat.read(course.path("release", "softmax") / "softmax.ipynb", 4)
    perfect = answered(released, subject.notebook)
    [lax] = [v for v in subject.variants if v.name == "check_softmax__forgets_large_scores"]
    wrong = answered(released, apply_variant(subject.notebook, lax))
    answers = {
        "ada": perfect,
        "bob": _with_check(perfect, MANY),
        "cleo": wrong,
        "finn": _with_check(perfect, FIRST_IS_RIGHT),
        "eve": _with_check(perfect, f"EXPECTED = {LOOKS}\n{CURIOUS}"),
    }
    for student, notebook in answers.items():
        folder = course.path("submitted", "softmax", student)
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / "softmax.ipynb")
    records: list[SubmissionRecord] = []
    grade(course, "softmax", workers=1, on_record=records.append)
    last = {record.student: record.results[0].tests[-1] for record in records}
    failed = {name for name, test in last.items() if test.outcome is not Outcome.PASSED}
    assert failed == {"cleo", "finn"}
    assert {last[name].message for name in ("ada", "bob", "eve")} == {""}
    assert "a wrong candidate" in last["finn"].message
    assert last["cleo"].diagnosis is not None
    assert last["cleo"].diagnosis.name == lax.name


def _with_check(notebook: nbformat.NotebookNode, source: str) -> nbformat.NotebookNode:
    changed = copy.deepcopy(notebook)
    for cell in changed.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "check_softmax":
            cell.source = source
    return changed
