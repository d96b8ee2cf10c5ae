"""A release overwrites nobody's work."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from typer.testing import CliRunner

from grader import cli
from grader.audit.shown import find_leaks
from grader.audit.subject import read_subjects
from grader.course import Course
from grader.errors import LeakError, StorageError
from grader.release import kept as keeping
from grader.release import release_assignment

MINE = "def hello(name):\n    return name  # my own work"


def notebook_of(course: Course) -> Path:
    return course.path("release", "hello") / "hello.ipynb"


def work(course: Course, source: str = MINE) -> bytes:
    """Answer in the released notebook itself."""
    path = notebook_of(course)
    notebook = nbformat.read(path, 4)
    [cell] = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("solution")]
    cell.source = source
    nbformat.write(notebook, path)
    return path.read_bytes()


def forget(course: Course) -> None:
    """As in a fresh clone, which has no state."""
    shutil.rmtree(course.state)


def beside(course: Course) -> list[str]:
    return sorted(path.name for path in course.path("release", "hello").parent.iterdir())


def test_a_changed_notebook_is_kept_with_its_data_and_the_command_says_where(
    text_course: Course,
) -> None:
    program = ["--course", str(text_course.root), "release"]
    first = CliRunner().invoke(cli.app, program)
    assert "Kept" not in first.output
    fresh = notebook_of(text_course).read_bytes()
    changed = work(text_course)
    second = CliRunner().invoke(cli.app, program)
    assert second.exit_code == 0, second.output
    copy = text_course.path("release", "hello").with_name("hello.yours-1")
    assert f"Kept: what was changed there is in {copy}\n" in second.output
    assert (copy / "hello.ipynb").read_bytes() == changed
    assert (copy / "data" / "names.csv").read_text() == "name\nAda\n"
    assert notebook_of(text_course).read_bytes() == fresh
    third = CliRunner().invoke(cli.app, program)
    assert "Kept" not in third.output, "nothing was changed since"
    assert beside(text_course) == ["hello", "hello.yours-1"]


def test_each_time_under_a_new_name(text_course: Course) -> None:
    release_assignment(text_course, "hello")
    for number in (1, 2):
        content = work(text_course, f"{MINE} {number}")
        found = release_assignment(text_course, "hello").kept
        assert found is not None
        assert found.name == f"hello.yours-{number}"
        assert (found / "hello.ipynb").read_bytes() == content


@pytest.mark.parametrize("name", ["notes.txt", "figures/plot.png", "data/names.csv", "my.ipynb"])
def test_any_other_file_is_work_too(text_course: Course, name: str) -> None:
    release_assignment(text_course, "hello")
    path = text_course.path("release", "hello") / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"mine")
    found = release_assignment(text_course, "hello").kept
    assert found is not None
    assert (found / name).read_bytes() == b"mine"


def test_what_nobody_wrote_is_no_work(text_course: Course) -> None:
    release_assignment(text_course, "hello")
    folder = text_course.path("release", "hello")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "hello-checkpoint.ipynb").write_text("{}")
    source = text_course.solutions / "hello" / "hello.md"  # type: ignore[operator]
    source.write_text(source.read_text().replace("# Greetings", "# Other greetings"))
    assert release_assignment(text_course, "hello").kept is None
    assert beside(text_course) == ["hello"]


def test_without_a_record_answers_tell(text_course: Course) -> None:
    release_assignment(text_course, "hello")
    source = text_course.solutions / "hello" / "hello.md"  # type: ignore[operator]
    source.write_text(source.read_text().replace("# Greetings", "# Other greetings"))
    forget(text_course)
    assert release_assignment(text_course, "hello").kept is None, "the author's change"
    forget(text_course)
    content = work(text_course)
    found = release_assignment(text_course, "hello").kept
    assert found is not None
    assert (found / "hello.ipynb").read_bytes() == content


@pytest.mark.parametrize(
    "cell",
    [
        nbformat.v4.new_code_cell("hello('me')"),
        nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("stream", text="1")]),
    ],
)
def test_without_a_record_own_cells_tell_too(
    text_course: Course, cell: nbformat.NotebookNode
) -> None:
    release_assignment(text_course, "hello")
    forget(text_course)
    notebook = nbformat.read(notebook_of(text_course), 4)
    notebook.cells.append(cell)
    nbformat.write(notebook, notebook_of(text_course))
    assert release_assignment(text_course, "hello").kept is not None


@pytest.mark.parametrize("record", ["{", "[]", None])
def test_a_record_that_is_broken_is_none(text_course: Course, record: str | None) -> None:
    release_assignment(text_course, "hello")
    path = text_course.state / "released" / "hello.json"
    if record is None:
        path.unlink()
        path.mkdir()
    else:
        path.write_text(record)
    work(text_course)
    if record is None:
        with pytest.raises(StorageError, match=r"hello\.json cannot be written"):
            release_assignment(text_course, "hello")
    else:
        assert release_assignment(text_course, "hello").kept is not None
    assert "hello.yours-1" in beside(text_course)


def test_what_git_has_is_not_lost(text_course: Course) -> None:
    release_assignment(text_course, "hello")
    work(text_course)

    def git(*words: str) -> None:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        command = ["git", "-C", str(text_course.root), *identity, *words]
        subprocess.run(command, check=True, capture_output=True)

    git("init", "-q")
    assert len(keeping._in_git(text_course.path("release", "hello"))) == 0, "no commit"
    git("add", "exercises")
    git("commit", "-q", "-m", "An older release")
    assert release_assignment(text_course, "hello").kept is None
    work(text_course, f"{MINE}, not in git")
    assert release_assignment(text_course, "hello").kept is not None


def test_without_git_everything_counts(
    text_course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    release_assignment(text_course, "hello")
    monkeypatch.setenv("PATH", "")
    assert keeping._in_git(text_course.path("release", "hello")) == set()


def test_a_release_that_fails_says_where_the_work_is(text_course: Course) -> None:
    release_assignment(text_course, "hello")
    content = work(text_course)
    secret = 'return "Hello, " + name + "!"  # pta-hidden-canary-0000-answer'
    (text_course.solutions / "hello" / "data" / "leak.txt").write_text(secret)  # type: ignore[operator]
    with pytest.raises(LeakError, match=r"What was changed in .* is in .*hello\.yours-1\."):
        release_assignment(text_course, "hello")
    copy = text_course.path("release", "hello").with_name("hello.yours-1")
    assert (copy / "hello.ipynb").read_bytes() == content


def test_work_that_cannot_be_kept_is_left_alone(
    text_course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    release_assignment(text_course, "hello")
    content = work(text_course)

    copytree = shutil.copytree

    def full(source: Any, target: Any, *more: Any, **options: Any) -> Any:
        if ".yours-" in str(target):
            raise OSError(28, "No space left on device")
        return copytree(source, target, *more, **options)

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(StorageError, match=r"cannot be kept in .*: .*No space left"):
        release_assignment(text_course, "hello")
    assert notebook_of(text_course).read_bytes() == content


def test_kept_work_is_neither_handed_out_nor_read_for_leaks(text_course: Course) -> None:
    release_assignment(text_course, "hello")
    work(text_course, 'def hello(name):\n    return "Hello, " + name + "!"  # a whole answer')
    found = release_assignment(text_course, "hello")
    assert all("yours" not in str(path) for path in found.files)
    assert text_course.assignment_names == ["hello"]
    (text_course.solutions / "hello" / "alternatives.py").unlink()  # type: ignore[operator]
    [subject] = read_subjects(text_course, "hello")
    assert find_leaks(text_course, subject, [], []) == []


def test_a_course_of_notebooks_keeps_work_too(course_of: Callable[..., Course]) -> None:
    answer = {"grade_id": "a", "grade": False, "locked": False, "solution": True, "task": False}
    cell = nbformat.v4.new_code_cell(
        "### BEGIN SOLUTION\nx = 1\n### END SOLUTION",
        metadata={"nbgrader": {**answer, "schema_version": 3}},
    )
    course = course_of(cell)
    release_assignment(course, "hw")
    path = course.path("release", "hw") / "a.ipynb"
    path.write_text(path.read_text().replace("YOUR CODE HERE", "my own work"))
    found = release_assignment(course, "hw").kept
    assert found is not None
    assert "my own work" in (found / "a.ipynb").read_text()
