"""The whole way from a source to a release, through nbgrader itself."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from grader import checking
from grader.course import Course
from grader.errors import CourseError, LeakError, ReleaseError
from grader.release import generate as generate_module
from grader.release import load_template, release_assignment, without_hidden
from grader.tests.courses import _cell, _solution, _test, make_course
from grader.tests.release.conftest import CANARY, write_notebook

Make = Callable[..., Course]

SOLUTION = _solution("mean", "def mean(x):", "return sum(x) / len(x)")
TEST = _test("test_mean", 2, "assert mean([1]) == 1", "assert mean([1, 2, 6]) == 3, 'wrong'")


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refusal(course: Course, kind: type[ReleaseError] = ReleaseError) -> str:
    """The one sentence with which a release fails; nothing is left for students to see."""
    with pytest.raises(kind) as caught:
        release_assignment(course, "hw")
    assert "\n" not in str(caught.value)
    released = course.path("release", "hw")
    assert not released.exists() or list(released.iterdir()) == []
    return str(caught.value)


def test_a_course_in_the_style_of_nbgrader(released_course: Path) -> None:
    folder = released_course / "release" / "ps1"
    assert set(digests(folder)) == {"problem1.ipynb", "problem2.ipynb", "data.csv"}
    text = "".join(path.read_text() for path in folder.iterdir())
    assert "return sum(squares(n))" not in text
    assert "wrong sum of squares" not in text
    for path in folder.glob("*.ipynb"):
        nbformat.validate(nbformat.read(path, as_version=4))
        assert path.stat().st_mode & 0o777 == 0o644


def test_a_second_release_is_equal_to_the_byte(released_course: Path) -> None:
    course = Course(released_course)
    folder = course.path("release", "ps1")
    before, template = digests(folder), load_template(course, "ps1")
    again = release_assignment(course, "ps1")
    assert digests(folder) == before
    assert again.template == template
    assert again.files == tuple(sorted(path for path in folder.rglob("*") if path.is_file()))


def test_text_sources_to_exercises(text_course: Course) -> None:
    released = release_assignment(text_course, "hello")
    folder = text_course.path("release", "hello")
    first = digests(folder)
    assert set(first) == {"hello.ipynb", "data/names.csv", "data/deep/more.bin"}
    everything = b"".join(path.read_bytes() for path in released.files)
    assert CANARY.encode() not in everything

    cells = nbformat.read(folder / "hello.ipynb", as_version=4).cells
    by_id = {cell.id: cell for cell in cells}
    assert by_id["parameters"].metadata.tags == ["parameters"]
    assert by_id["checking"].source == Path(checking.__file__).read_text("utf-8").strip()
    assert by_id["test_hello"].source == 'assert hello("x").endswith("!")'
    assert "NotImplementedError" in by_id["hello"].source

    tests = released.template.notebooks["hello"].tests
    assert [(test.grade_id, test.points) for test in tests] == [("test_hello", 2.5)]
    assert f"{CANARY}-test" in tests[0].source

    release_assignment(text_course, "hello")
    assert digests(folder) == first


def test_what_left_the_sources_leaves_the_release(text_course: Course) -> None:
    release_assignment(text_course, "hello")
    assert text_course.solutions is not None
    (text_course.solutions / "hello" / "data" / "names.csv").unlink()
    release_assignment(text_course, "hello")
    assert set(digests(text_course.path("release", "hello"))) == {
        "hello.ipynb",
        "data/deep/more.bin",
    }


def test_a_secret_in_the_data_folder_stops_the_release(text_course: Course) -> None:
    assert text_course.solutions is not None
    (text_course.solutions / "hello" / "data" / "names.csv").write_text(
        f'1,\'return "Hello, " + name + "!"  # {CANARY}-answer\'\n'
    )
    with pytest.raises(LeakError, match=r"names\.csv would show students"):
        release_assignment(text_course, "hello")
    assert not text_course.path("release", "hello").exists()


def test_a_leak_of_nbgraders_is_taken_back(
    course_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = course_of(SOLUTION, TEST)
    generate = generate_module._generate

    def leaky(course: Course, name: str) -> None:
        generate(course, name)
        path = course.path("release", name) / "a.ipynb"
        path.write_text(path.read_text().replace("mean([1]) == 1", "mean([1, 2, 6]) == 3, 'wrong'"))

    monkeypatch.setattr(generate_module, "_generate", leaky)
    message = refusal(course, LeakError)
    assert "assert mean([1, 2, 6]) == 3" in message


def test_a_header_with_a_secret_is_a_leak(course_of: Make) -> None:
    course = course_of(SOLUTION, TEST, config="c.IncludeHeaderFooter.header = 'head.ipynb'")
    header = new_markdown_cell("Try `assert mean([1, 2, 6]) == 3, 'wrong'`.")
    write_notebook(course.root / "head.ipynb", header)
    course.config.IncludeHeaderFooter.header = str(course.root / "head.ipynb")
    refusal(course, LeakError)


def test_a_course_with_its_own_markers(course_of: Make) -> None:
    answer = "return statistics.fmean(numbers) + 0.0"
    cell = _cell(
        "mean", f"def mean(x):\n    # <answer>\n    {answer}\n    # </answer>", solution=True
    )
    config = (
        "c.ClearSolutions.begin_solution_delimeter = '<answer>'\n"
        "c.ClearSolutions.end_solution_delimeter = '</answer>'\n"
        "c.ClearHiddenTests.begin_test_delimeter = '<secret>'\n"
        "c.ClearHiddenTests.end_test_delimeter = '</secret>'\n"
        "c.ClearMarkScheme.begin_mark_scheme_delimeter = '<scheme>'"
    )
    hidden = "assert mean([1, 2, 6]) == 3, 'a secret'"
    test = f"assert mean([1]) == 1\n# <secret>\n{hidden}\n# </secret>"
    scheme = "one point for each reason that is given"
    task = new_markdown_cell(f"Say why.\n<scheme>\n{scheme}\nEND MARK SCHEME")
    task.metadata = _cell("why", "", task=True, locked=True, points=1).metadata
    cells = [cell, _cell("test_mean", test, grade=True, locked=True, points=1), task]
    course = course_of(*cells, config=config)
    released = release_assignment(course, "hw")
    for secret in (answer, hidden, scheme):
        assert secret not in released.files[0].read_text()
    (notebook,) = released.template.notebooks.values()
    sources = {each.grade_id: each.source for each in notebook.cells}
    assert hidden in sources["test_mean"]
    assert without_hidden(sources["test_mean"]) == "assert mean([1]) == 1"
    assert scheme in sources["why"]
    assert without_hidden(sources["why"]) == "Say why."
    write_notebook(course.root / "source" / "hw" / "notes.ipynb", new_markdown_cell("</answer>"))
    with pytest.raises(ReleaseError, match="closes nothing"):
        release_assignment(course, "hw")


@pytest.mark.parametrize(
    ("source", "flags"),
    [
        ("### BEGIN SOLUTION\nx = 1", {"solution": True}),
        ("x = 1\n### END SOLUTION", {"solution": True}),
        ("### BEGIN HIDDEN TESTS\nx = 1", {"grade": True, "locked": True, "points": 1}),
        ("x = 1\n### END HIDDEN TESTS", {"grade": True, "locked": True, "points": 1}),
    ],
)
def test_markers_without_a_partner(course_of: Make, source: str, flags: dict[str, object]) -> None:
    assert "cell step1" in refusal(course_of(_cell("step1", source, **flags)))


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([SOLUTION, _cell("mean", "x = 1", solution=True)], "grade_id"),
        ([_cell("t", "assert 1", grade=True, locked=True)], "metadata"),
        ([_cell("t", "assert 1", grade=True, locked=True, points="x")], "metadata"),
        ([_cell("no spaces", "x = 1", locked=True)], "metadata"),
        ([new_code_cell("x = 1", metadata={"nbgrader": 3})], "nbgrader could not generate"),
        (
            [_cell("t", "### BEGIN HIDDEN TESTS\nx\n### END HIDDEN TESTS", locked=True)],
            "Hidden test region detected in a non-grade cell",
        ),
        (
            [new_code_cell("### BEGIN SOLUTION\nx = 1\n### END SOLUTION")],
            "Solution region detected in a non-solution cell",
        ),
    ],
)
def test_nbgraders_refusal_is_one_sentence(
    course_of: Make, cells: list[nbformat.NotebookNode], words: str
) -> None:
    message = refusal(course_of(*cells))
    assert words.lower() in message.lower()
    assert "Traceback" not in message


def test_a_language_that_nbgrader_has_no_stub_for(course_of: Make) -> None:
    kernel = {"name": "x", "display_name": "X", "language": "befunge"}
    course = course_of(SOLUTION, metadata={"kernelspec": kernel})
    assert "language 'befunge' has not been specified" in refusal(course)


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "nonsense", "sqlite:///{}/text"])
def test_a_gradebook_that_cannot_be_used(course_of: Make, url: str) -> None:
    course = course_of(SOLUTION, TEST)
    (course.root / "text").write_text("this is no database, but it is long enough\n" * 40)
    url = url.format(course.root)
    course = course_of(SOLUTION, TEST, config=f"c.CourseDirectory.db_url = {url!r}")
    assert refusal(course).startswith("nbgrader could not generate assignment 'hw': ")
    with pytest.raises(CourseError, match=r"^The gradebook .* cannot be read: [^\n]+$"):
        load_template(course, "hw")


def test_an_unknown_assignment(released_course: Path) -> None:
    with pytest.raises(CourseError, match="no assignment 'ps9'"):
        release_assignment(Course(released_course), "ps9")


def test_an_assignment_that_was_never_released(released_course: Path) -> None:
    course = Course(released_course)
    write_notebook(course.root / "source" / "ps2" / "a.ipynb", SOLUTION)
    with pytest.raises(CourseError, match=r"'ps2' is not in the gradebook .*`grader release ps2`"):
        load_template(course, "ps2")


def test_an_older_notebook_stays_valid(course_of: Make) -> None:
    cells = [SOLUTION.copy(), TEST.copy(), new_markdown_cell("no name")]
    for cell in cells:
        cell.pop("id", None)
    course = course_of(*cells, nbformat_minor=4)
    first = release_assignment(course, "hw").files[0].read_bytes()
    nbformat.validate(json.loads(first))
    assert release_assignment(course, "hw").files[0].read_bytes() == first


def test_a_notebook_without_a_kernel_gets_python(course_of: Make) -> None:
    template = release_assignment(course_of(SOLUTION, metadata={}), "hw").template
    assert template.notebooks["a"].kernelspec["name"] == "python3"


@pytest.mark.parametrize(
    "structure",
    [
        "{nbgrader_step}/{assignment_id}/{student_id}",
        "{assignment_id}/{nbgrader_step}/{student_id}",
    ],
)
def test_other_directory_structures(tmp_path: Path, gradebook: Path, structure: str) -> None:
    root = make_course(tmp_path / "course")
    gradebook.rename(root / "gradebook.db")
    (root / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.directory_structure = {structure!r}\n"
    )
    course = Course(root)
    if structure.startswith("{assignment_id}"):
        (root / "ps1").mkdir()
        (root / "source" / "ps1").rename(root / "ps1" / "source")
    released = release_assignment(course, "ps1")
    assert [path.name for path in released.files] == [
        "data.csv",
        "problem1.ipynb",
        "problem2.ipynb",
    ]
    assert {path.parent for path in released.files} == {course.path("release", "ps1")}


def test_settings_of_nbgrader_are_left_alone(course_of: Make) -> None:
    course = course_of(SOLUTION, TEST, config="c.ClearSolutions.code_stub = {'python': 'TODO'}")
    before = Config(course.config)
    released = release_assignment(course, "hw")
    assert "TODO" in released.files[0].read_text()
    assert course.config == before


def test_new_cells_take_their_place(course_of: Make) -> None:
    release_assignment(course_of(SOLUTION, TEST), "hw")
    first = _cell("first", "import math", locked=True)
    middle = _cell("middle", "x = 1", locked=True)
    template = release_assignment(course_of(first, SOLUTION, middle, TEST), "hw").template
    names = [cell.grade_id for cell in template.notebooks["a"].cells]
    assert names == ["first", "mean", "middle", "test_mean"]
    template = release_assignment(course_of(TEST, middle), "hw").template
    assert [cell.grade_id for cell in template.notebooks["a"].cells] == ["test_mean", "middle"]


def test_with_submissions_in_the_gradebook(course_of: Make) -> None:
    course = course_of(SOLUTION, TEST)
    release_assignment(course, "hw")
    with Gradebook(course.db_url) as gradebook, warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's own
        gradebook.add_student("ann")
        gradebook.add_submission("hw", "ann")
    swapped = release_assignment(course_of(TEST, SOLUTION), "hw").template
    assert [cell.grade_id for cell in swapped.notebooks["a"].cells] == ["test_mean", "mean"]
    extra = _cell("extra", "x = 1", locked=True)
    assert "Cannot add or remove cells" in refusal(course_of(SOLUTION, TEST, extra))
