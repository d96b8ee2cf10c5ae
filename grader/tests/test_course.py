"""Where a course keeps things, what it may set, and one sentence for whatever is wrong with it."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbgrader.coursedir import CourseDirectory
from traitlets import TraitError

from grader.course import CONFIG_NAME, Course, Grader, Limits, is_safe_name, parse_size
from grader.errors import CourseError
from grader.tests.courses import make_course

STEPS = ["source", "release", "submitted", "autograded", "feedback"]


@pytest.fixture(autouse=True)
def _no_other_configuration(tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> None:
    """Keeps the configuration of the person who runs the tests out of them."""
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_CONFIG_PATH"):
        monkeypatch.setenv(name, str(tmp_path_factory.getbasetemp() / "none"))


def configured(tmp_path: Path, *lines: str) -> Course:
    (tmp_path / CONFIG_NAME).write_text("\n".join(["c = get_config()", *lines]), encoding="utf-8")
    return Course(tmp_path)


def refusal(tmp_path: Path, *lines: str) -> str:
    """The sentence with which a course of these settings is refused."""
    with pytest.raises(CourseError) as caught:
        configured(tmp_path, *lines)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    assert not message.endswith("..")
    assert CONFIG_NAME in message
    return message


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"no course at .*nowhere.*--course\.$"):
        Course(tmp_path / "nowhere")


def test_a_file_is_no_course(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match="no course at"):
        Course(tmp_path / "file")


def test_a_course_needs_no_configuration(tmp_path: Path) -> None:
    course = Course(str(tmp_path))
    assert course.limits == Limits()
    assert course.solutions is None
    assert course.assignment_names == []
    assert course.root == tmp_path
    assert course.db_url == f"sqlite:///{tmp_path}/gradebook.db"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("c.Grader.workers = (", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        ("raise ValueError('two\\nlines.')", "ValueError: two lines"),
        ("c.Grader = 3", "ValueError"),
        ("c.Grader.workers = 'four'", "'workers' trait"),
        ("c.Grader.workers = -1", "'workers' trait"),
        ("c.Grader.parameters = [1]", "'parameters' trait"),
        ("c.Grader.sandbox = 'docker'", "'sandbox' trait"),
        ("c.Grader.cell_timeout = 'long'", "'cell_timeout' trait"),
        ("c.Grader.cell_timeout = 0", "cell_timeout must be more than 0"),
        ("c.Grader.cell_timeout = float('nan')", "cell_timeout must be more than 0"),
        ("c.Grader.notebook_timeout = -1.5", "notebook_timeout must be more than 0"),
        ("c.Grader.processes = 0", "processes must be more than 0"),
        ("c.Grader.memory = -5", "memory must be more than 0"),
        ("c.Grader.memory = 2.5", "'memory' trait"),
        ("c.Grader.memory = None", "'memory' trait"),
        ("c.Grader.memory = '-1G'", "'-1G' is not a size"),
        ("c.Grader.disk = 'lots'", "'lots' is not a size"),
        ("c.Grader.disk = '1e3M'", "'1e3M' is not a size"),
        ("c.Grader.output = ''", "'' is not a size"),
        (f"c.Grader.output = '{'9' * 400}'", "is not a size"),
        ("c.Grader.output = '0.001'", "output must be more than 0"),
        ("c.Grader.memmory = '4G'", "c.Grader.memmory, which does not exist"),
        ("c.CourseDirectory.source_directory = 3", "'source_directory' trait"),
        ("c.CourseDirectory.directory_structure = '{student_id}'", "{assignment_id}"),
        (
            "c.CourseDirectory.directory_structure = '{nbgrader_step}/{student_id}{assignment_id}'",
            "a folder of its own",
        ),
    ],
)
def test_wrong_settings_get_one_sentence(tmp_path: Path, lines: str, words: str) -> None:
    assert words in refusal(tmp_path, lines)


def test_configuration_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / CONFIG_NAME).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CourseError, match=f"{CONFIG_NAME} cannot be read: "):
        Course(tmp_path)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512", 512),
        ("1K", 1024),
        ("64M", 64 * 2**20),
        ("64 MB", 64 * 2**20),
        ("1.5 GiB", 3 * 2**29),
        (" 2g ", 2 * 2**30),
        ("1T", 2**40),
        ("7b", 7),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "M", "-1", "1 2", "1,5G", "0x10", "1GG", "inf", "nan", "1\n2"]
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(TraitError, match="is not a size"):
        parse_size(text)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_a_size_is_a_number_or_an_error(text: str) -> None:
    try:
        size = parse_size(text)
    except TraitError as error:
        assert "is not a size" in str(error)  # noqa: PT017  # either outcome is right
    else:
        assert size >= 0


def test_limits_come_from_the_configuration(tmp_path: Path) -> None:
    course = configured(
        tmp_path,
        "c.Grader.cell_timeout = 5",
        "c.Grader.memory = '512M'",
        "c.Grader.disk = 1000",
        "c.Grader.processes = 7",
    )
    expected = Limits(cell_timeout=5.0, memory=512 * 2**20, disk=1000, processes=7)
    assert course.limits == expected
    assert json.loads(json.dumps(dataclasses.asdict(course.limits))) == dataclasses.asdict(expected)


def test_defaults_of_settings_and_of_limits_agree() -> None:
    assert Grader().limits() == Limits()


def test_the_course_configuration_wins_over_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, root = tmp_path / "user", tmp_path / "course"
    user.mkdir()
    root.mkdir()
    (user / CONFIG_NAME).write_text("c.Grader.processes = 5\nc.Grader.open_files = 6\n")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(user))
    course = configured(root, "c.Grader.processes = 9")
    assert (course.limits.processes, course.limits.open_files) == (9, 6)


def test_the_folder_of_the_course_wins_over_its_configuration(tmp_path: Path) -> None:
    course = configured(tmp_path, "c.CourseDirectory.root = '/elsewhere'")
    assert course.path("source", "ps1") == tmp_path / "source" / "ps1"


@pytest.mark.parametrize(
    "structure",
    [
        "",
        "{nbgrader_step}/{assignment_id}/{student_id}",
        "{assignment_id}/{nbgrader_step}/{student_id}",
        "all/{student_id}/{assignment_id}/{nbgrader_step}/work",
    ],
    ids=["default", "assignment first", "assignment outside", "deep"],
)
@pytest.mark.parametrize("folders", [{}, {"source": "_build/in", "submitted": "handed in"}])
def test_paths_are_those_of_nbgrader(
    tmp_path: Path, structure: str, folders: dict[str, str]
) -> None:
    lines = [f"c.CourseDirectory.{step}_directory = {name!r}" for step, name in folders.items()]
    if structure:
        lines.append(f"c.CourseDirectory.directory_structure = {structure!r}")
    course = configured(tmp_path, *lines)
    theirs = CourseDirectory(root=str(tmp_path))
    if structure:
        theirs.directory_structure = structure
    for step in STEPS:
        for student in (".", "ann"):
            name = folders.get(step, step)
            expected = os.path.normpath(theirs.format_path(name, student, "ps1"))
            assert str(course.path(step, "ps1", student)) == expected

    notebook = course.path("source", "ps1") / "a.ipynb"
    notebook.parent.mkdir(parents=True)
    notebook.write_text("{}")
    for student in ("ann", "bob"):
        course.path("submitted", "ps1", student).mkdir(parents=True)
        course.path("submitted", "ps2", student).mkdir(parents=True)
    assert course.assignment_names == ["ps1"]
    assert course.assignment("ps1").notebooks == [notebook]
    found = list(course.submissions("ps1"))
    assert [(s.student, s.assignment) for s in found] == [("ann", "ps1"), ("bob", "ps1")]
    assert [s.directory for s in found] == [
        course.path("submitted", "ps1", s.student) for s in found
    ]
    assert [s.student for s in course.submissions("ps1", "bob")] == ["bob"]
    assert list(course.submissions("ps1", "cat")) == []


def test_assignments_of_a_course_of_notebooks(tmp_path: Path) -> None:
    course = Course(make_course(tmp_path))
    (tmp_path / "source" / "empty").mkdir()
    (tmp_path / "source" / "header.ipynb").write_text("{}")
    assignment = course.assignment("ps1")
    assert course.assignment_names == ["ps1"]
    assert [path.name for path in assignment.notebooks] == ["problem1.ipynb", "problem2.ipynb"]
    assert [path.name for path in assignment.data_files] == ["data.csv"]


def test_data_files_leave_checkpoints_out(tmp_path: Path) -> None:
    course = Course(make_course(tmp_path))
    source = tmp_path / "source" / "ps1"
    for name in (".ipynb_checkpoints/data.csv", "data/deep/a.txt"):
        (source / name).parent.mkdir(parents=True)
        (source / name).write_text("x")
    found = {path.relative_to(source).as_posix() for path in course.assignment("ps1").data_files}
    assert found == {"data.csv", "data/deep/a.txt"}


def test_an_unknown_assignment_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"no assignment 'ps9' in .*; it has ps1\.$"):
        Course(make_course(tmp_path)).require("ps9")
    with pytest.raises(CourseError, match=r"it has none at all\."):
        Course(tmp_path / "source").require("ps1")


def test_text_sources_are_assignments_by_their_own_name(tmp_path: Path) -> None:
    for name in ("a/a.md", "a/notes.md", "b/other.md", "README.md"):
        (tmp_path / "texts" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "texts" / name).write_text("")
    course = configured(tmp_path, "c.Grader.solutions_directory = 'texts'")
    assert course.solutions == tmp_path / "texts"
    assert course.assignment_names == ["a"]
    with pytest.raises(CourseError, match=r"'a' has no notebook in .*run `grader release a` first"):
        course.assignment("a")


@pytest.mark.parametrize(
    "name",
    [
        "ann",
        "Åsa",
        "김철수",
        "प्रिया",
        "Zoë van Dam",
        "a.b+c@example.org",
        "_x",
        "9",
        "José",
        "x" * 200,
    ],
)
def test_safe_names(name: str) -> None:
    assert is_safe_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".hidden",
        "-rf",
        " a",
        "a ",
        "a/b",
        "a\\b",
        "a\nb",
        "a\x00",
        "a\x1b[31m",
        "a:b",
        "~root",
        "*",
        "a\udcff",
        "\u0301a",
        "a\u202eb",
        "x" * 201,
        "철" * 80,
        "<b>",
    ],
)
def test_unsafe_names(name: str) -> None:
    assert not is_safe_name(name)


@settings(deadline=None)
@given(st.text(max_size=250))
def test_a_safe_name_is_one_folder(name: str) -> None:
    if is_safe_name(name):
        assert Path(name).parts == (name,)
        assert name.isprintable()
        assert len(os.fsencode(f"{name}.html")) <= 255


def test_folders_with_unsafe_names_are_passed_over(tmp_path: Path) -> None:
    for name in ("ann", "Åsa", ".git", "-rf", "a\nb", "bob;ls", "x\udcff"):
        (tmp_path / "submitted" / name / "ps1").mkdir(parents=True)
    (tmp_path / "submitted" / "file").write_text("")
    (tmp_path / "submitted" / "without").mkdir()
    assert [s.student for s in Course(tmp_path).submissions("ps1")] == ["ann", "Åsa"]


def test_an_assignments_name_is_no_pattern(tmp_path: Path) -> None:
    for name in ("ps[1]", "ps1"):
        (tmp_path / "submitted" / "ann" / name).mkdir(parents=True)
    found = list(Course(tmp_path).submissions("ps[1]"))
    assert [s.directory.name for s in found] == ["ps[1]"]
