"""The sample class from start to end: made, graded, reported; and one student's way beside it."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

import grader
from grader import cli
from grader.audit.sample_class import answered, make_sample_class
from grader.audit.variants import Step, asked, step_of, steps_of
from grader.course import Course
from grader.errors import CourseError
from grader.farm import ResultStore, SubmissionRecord
from grader.release.catalogue import Variant, load_variants
from grader.release.sources import read_source
from grader.report import GradedSubmission, load_graded
from grader.split import Diagnosis, Outcome

NAME = "dynamic-programming"
ROOT = Path(grader.__file__).parents[1]
SOURCES = ROOT / "solutions" / NAME
CANARY = "pta-hidden-canary"
PATIENCE = 600.0
"""Seconds in which a busy machine grades the class."""
pytestmark = pytest.mark.timeout(2 * PATIENCE)
PROGRESS = re.compile(r"^\d+ of \d+ graded.*\n", re.MULTILINE)
"""The line that a slow machine prints once a minute."""


def _reference() -> nbformat.NotebookNode:
    return read_source(SOURCES / f"{NAME}.md")


def _misconceptions() -> list[Variant]:
    reference = _reference()
    return list(asked(reference, load_variants(SOURCES, reference, "misconception")))


def _wrong() -> dict[str, Step]:
    """The members with a misconception, and the step that each must lose."""
    reference = _reference()
    wrong: dict[str, Step] = {}
    for variant in _misconceptions():
        step = step_of(reference, variant.function)
        if step not in wrong.values():
            wrong[variant.name.replace("_", "-")] = step
    order = steps_of(reference)
    return dict(sorted(wrong.items(), key=lambda item: order.index(item[1])))


STEPS = steps_of(_reference())
FIRST = STEPS[0].points
TOTAL = sum(step.points for step in STEPS)
WRONG = _wrong()
EXPECTED = {
    "perfect": (TOTAL, "All 20 points."),
    "other-ways": (TOTAL, "All 20 points."),
    **{name: (TOTAL - step.points, " failed its test") for name, step in WRONG.items()},
    "blank": (0, "no test passed."),
    "exception-at-import": (TOTAL - FIRST, "No module named 'a_module_that_nobody_has'"),
    "syntax-error": (TOTAL - FIRST, "stopped with SyntaxError"),
    "endless-loop": (TOTAL - FIRST, "ran out of time"),
    "memory-hog": (TOTAL, "All 20 points."),
    "sys-exit": (TOTAL, "All 20 points."),
    "kernel-exit": (TOTAL, "All 20 points."),
    "deleted-test": (TOTAL, f"The test cell {STEPS[1].test_id} was missing; it was put back."),
    "duplicated-cell": (TOTAL, f"The cell {STEPS[1].test_id} is there more than once"),
    "edited-test": (TOTAL - FIRST, "Step 1 stopped with an error (NameError"),
    "wrong-kernel": (TOTAL, "All 20 points."),
    "not-a-notebook": (0, "The file is not a notebook"),
    "empty-file": (0, "The file is empty."),
}
NOTES = {"edited-test": f"The test cell {STEPS[0].test_id} was changed"}
"""What intake says where the sentence has no room for it."""
STOPPED = {
    "memory-hog": "It used up the 1 GiB of memory allowed.",
    "kernel-exit": "The program ended (exit, a crash, or a signal).",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class as `make course` makes it, not yet graded."""
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(SOURCES, home / "solutions" / NAME)
    (home / "nbgrader_config.py").write_text(
        "c = get_config()\nc.Grader.solutions_directory = 'solutions'\n"
        "c.CourseDirectory.source_directory = 'converted'\n"
    )
    from grader.release import release_assignment

    release_assignment(Course(home), NAME)
    folder = tmp_path_factory.mktemp("class") / "class"
    assert make_sample_class(Course(home), NAME, folder) == len(EXPECTED)
    before = sorted(folder.rglob("*"))
    assert make_sample_class(Course(home), NAME, folder) == len(EXPECTED), "made once"
    assert sorted(folder.rglob("*")) == before
    shutil.rmtree(home)
    return folder


@pytest.fixture(scope="module")
def stub_course(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same course without anything handed in."""
    copy = tmp_path_factory.mktemp("stub") / "course"
    return shutil.copytree(made, copy, ignore=shutil.ignore_patterns("submitted"))


@pytest.fixture(scope="module")
def printed(made: Path, stub_course: Path, needs_bubblewrap: None) -> str:
    """What `grader grade` printed, after feedback and report were made too."""
    text = _program("--course", made, "grade", NAME)
    _grader("--course", made, "feedback", NAME)
    _grader("--course", made, "report", NAME)
    return text


@pytest.fixture(scope="module")
def graded(made: Path, printed: str) -> dict[str, GradedSubmission]:
    return {_member(found.student): found for found in load_graded(Course(made), NAME)}


@pytest.fixture(scope="module")
def records(made: Path, printed: str) -> dict[str, SubmissionRecord]:
    store = ResultStore(Course(made), NAME)
    return {_member(record.student): record for record in store.load_all()}


def _member(student: str) -> str:
    return student.split("-", 1)[1]


def _program(*arguments: str | Path) -> str:
    """What the program prints, which must succeed; started as a person starts it."""
    done = subprocess.run(
        [sys.executable, "-m", "grader", *map(str, arguments)],
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    said = PROGRESS.sub("", done.stderr)
    assert (done.returncode, said) == (0, ""), done.stdout
    return done.stdout


def _grader(*arguments: str | Path, code: int = 0) -> str:
    """What the program prints and how it ends, run in this process."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setenv("COLUMNS", "100")
        patch.setattr(sys, "argv", ["grader", *map(str, arguments)])
        ended = cli.run(cli.app)
    assert (ended, PROGRESS.sub("", err.getvalue())) == (code, ""), out.getvalue()
    return out.getvalue()


def test_the_class_has_one_of_each_kind() -> None:
    assert TOTAL == 20
    assert len(EXPECTED) >= 14
    assert len(WRONG) == len(STEPS), "one misconception for each step"


@pytest.mark.parametrize("member", EXPECTED)
def test_each_member_gets_the_score_and_the_sentence_it_should(
    graded: dict[str, GradedSubmission], member: str
) -> None:
    score, words = EXPECTED[member]
    found = graded[member]
    assert (found.score, found.max_score) == (score, TOTAL), found.sentence
    assert words in found.sentence
    notes = [note for notebook in found.notebooks for note in notebook.problems]
    assert NOTES.get(member, "") in " ".join(notes)
    assert not found.needs_person


@pytest.mark.parametrize("member", WRONG)
def test_a_misconception_loses_its_own_step_and_no_other(
    graded: dict[str, GradedSubmission], member: str
) -> None:
    lost = [cell.grade_id for cell in graded[member].cells if not cell.full]
    assert lost == [WRONG[member].test_id]
    assert [c.outcome for c in graded[member].cells if not c.full] == [Outcome.FAILED]


@pytest.mark.parametrize("member", WRONG)
def test_a_misconception_is_called_by_its_name(
    made: Path, graded: dict[str, GradedSubmission], member: str
) -> None:
    (own,) = [variant for variant in _misconceptions() if variant.name.replace("_", "-") == member]
    (lost,) = [cell for cell in graded[member].cells if not cell.full]
    assert lost.diagnosis == Diagnosis(own.name, own.sentence)
    report = (made / "reports" / f"{NAME}.html").read_text(encoding="utf-8")
    page = made / "feedback" / graded[member].student / NAME / f"{NAME}.html"
    for raw in (page.read_text(encoding="utf-8"), report):
        assert own.sentence in BeautifulSoup(raw, "html.parser").get_text()


def test_nobody_else_is_told_of_a_misconception(graded: dict[str, GradedSubmission]) -> None:
    others = [found for member, found in graded.items() if member not in WRONG]
    assert not [cell.diagnosis for found in others for cell in found.cells if cell.diagnosis]


def test_an_endless_loop_costs_its_own_limit_only(records: dict[str, SubmissionRecord]) -> None:
    (result,) = records["endless-loop"].results
    outcomes = {test.grade_id: test.outcome for test in result.tests}
    assert outcomes.pop(STEPS[0].test_id) is Outcome.TIMED_OUT
    assert set(outcomes.values()) == {Outcome.PASSED}


def test_what_killed_its_kernel_lost_one_cell_and_no_test(
    records: dict[str, SubmissionRecord],
) -> None:
    for record in records.values():
        (result,) = record.results
        assert "allowed in all" not in result.ended_early, "nobody used up the notebook's time"
        assert not record.fault
        assert record.scored
    for member, sentence in STOPPED.items():
        (result,) = records[member].results
        assert [test.outcome for test in result.tests] == [Outcome.PASSED] * len(STEPS)
        assert [sentence in failure.message for failure in result.failures] == [True], member
        assert not result.ended_early


def test_the_terminal_shows_a_table_of_all(printed: str, made: Path) -> None:
    lines = printed.splitlines()
    assert max(map(len, lines)) <= 100
    for number, member in enumerate(EXPECTED, 1):
        student = f"{number:02}-{member}"
        (row,) = [line for line in lines if line.strip().startswith(f"{number:02}-")]
        assert student[:20] in row
        assert f"{EXPECTED[member][0]:g} / 20" in row
    assert f"{len(EXPECTED)} graded now, 0 kept from before." in printed
    again = _grader("--course", made, "grade", NAME)
    assert f"0 graded now, {len(EXPECTED)} kept from before." in again


def test_pages_of_all_are_written_and_show_nothing_hidden(made: Path, printed: str) -> None:
    pages = sorted((made / "feedback").rglob("*.html"))
    assert [path.parts[-3] for path in pages] == sorted(
        path.name for path in (made / "submitted").iterdir()
    )
    report = made / "reports" / f"{NAME}.html"
    hidden = _hidden_lines(made)
    assert len(hidden) > 50
    for path in [*pages, report]:
        raw = path.read_text(encoding="utf-8")
        assert CANARY not in raw.lower()
        shown = {_pressed(line) for line in BeautifulSoup(raw, "html.parser").text.splitlines()}
        own = set() if path == report else _handed_in(made, path.parts[-3])
        assert (shown & hidden) - own == set(), path
    for number, member in enumerate(EXPECTED, 1):
        assert f"{number:02}-{member}" in report.read_text(encoding="utf-8")


def test_nothing_hidden_is_in_what_students_got(made: Path) -> None:
    for path in (made / "release").rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes().lower()
    assert CANARY in (made / "source" / NAME / f"{NAME}.ipynb").read_text(), "it is planted"


def _hidden_lines(root: Path) -> set[str]:
    """Lines of hidden tests that stand nowhere in the released notebook, spaces aside."""

    def lines(step: str) -> set[str]:
        notebook = nbformat.read(root / step / NAME / f"{NAME}.ipynb", as_version=4)
        sources = (c.source for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade"))
        if step == "release":
            sources = (cell.source for cell in notebook.cells)
        return {_pressed(line) for source in sources for line in source.splitlines()}

    return {line for line in lines("source") - lines("release") if len(line) > 20}


def _handed_in(root: Path, student: str) -> set[str]:
    """Lines that a student wrote, some of them as a hidden test has them too."""
    path = root / "submitted" / student / NAME / f"{NAME}.ipynb"
    try:
        cells = json.loads(path.read_bytes())["cells"]
    except ValueError:
        return set()
    return {_pressed(line) for cell in cells for line in "".join(cell["source"]).splitlines()}


def _pressed(line: str) -> str:
    return "".join(line.split())


def test_a_folder_that_is_no_sample_class_is_left_alone(made: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.Grader.solutions_directory = {str(SOURCES.parent)!r}\n"
        f"c.CourseDirectory.source_directory = {str(made / 'source')!r}\n"
    )
    with pytest.raises(CourseError, match="is no sample class"):
        make_sample_class(Course(tmp_path), NAME, tmp_path)
    assert (tmp_path / "thesis.txt").exists()
    with pytest.raises(CourseError, match="no text sources"):
        make_sample_class(Course(_without_texts(made, tmp_path)), NAME, tmp_path / "new")


def _without_texts(made: Path, tmp_path: Path) -> Path:
    """A course whose notebooks themselves are the source."""
    course = tmp_path / "course"
    shutil.copytree(made / "source", course / "source")
    return course


@pytest.mark.usefixtures("needs_bubblewrap")
def test_a_student_starts_from_the_released_stub_and_reads_the_feedback(
    stub_course: Path, tmp_path: Path
) -> None:
    """Download, fill in, check, hand in, be graded, read: all through the program's commands."""
    stub = ROOT / "exercises" / NAME / f"{NAME}.ipynb"
    mine = tmp_path / "home" / f"{NAME}.ipynb"
    mine.parent.mkdir()
    shutil.copy(stub, mine)
    assert mine.read_bytes() == stub.read_bytes()
    assert "NotImplementedError" in _grader("check", mine, code=1)

    released = nbformat.read(mine, as_version=4)
    nbformat.write(answered(released, _reference()), mine)
    assert _grader("check", mine).count("✓ Passed") == len(STEPS)

    bundle = tmp_path / "downloads.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.write(mine, f"ann_12345_assignsubmission_file_{NAME}.ipynb")
    said = _grader("--course", stub_course, "intake", NAME, "--from", bundle)
    assert "Took in 1 of 1 files." in said
    assert "In order." in said

    assert "20 / 20" in _grader("--course", stub_course, "grade", NAME, "--student", "ann")
    _grader("--course", stub_course, "feedback", NAME, "--student", "ann")
    page = stub_course / "feedback" / "ann" / NAME / f"{NAME}.html"
    text = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").text
    assert "ann" in text
    assert "All points." in text
    scores = json.dumps([cell.points for cell in load_graded(Course(stub_course), NAME)[0].cells])
    assert scores == json.dumps([step.points for step in STEPS])
