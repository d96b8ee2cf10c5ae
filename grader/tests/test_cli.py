"""Every command on a good course, and one sentence for everything that can be wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from grader import cli
from grader.course import Course
from grader.farm import grade
from grader.sandbox import examine_host
from grader.tests.courses import ANSWERS, submit
from grader.tests.farm.support import install

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the program in this process; gives exit code, stdout and stderr."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["grader", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code
        assert isinstance(code, int)
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def graded(released_course: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course with one graded submission, for which no kernel was started."""
    submit(released_course, "ann")
    with monkeypatch.context() as patch:
        install(patch)
        grade(Course(released_course), "ps1")
    return released_course


def _says(result: tuple[int, str, str], *words: str, code: int = 1) -> None:
    """One sentence on stderr, nothing on stdout, and an exit code."""
    assert result[0] == code, result
    assert result[1] == ""
    (line,) = result[2].splitlines()
    assert line.startswith("Error: ")
    assert "Traceback" not in line
    for word in words:
        assert word in line


COMMANDS = (
    ("release",),
    ("intake", "ps1"),
    ("grade", "ps1"),
    ("feedback", "ps1"),
    ("report", "ps1"),
    ("doctor",),
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_course_that_is_missing_is_one_sentence(
    run: Run, tmp_path: Path, command: tuple[str, ...]
) -> None:
    _says(run("--course", tmp_path / "nowhere", *command), "There is no course at", "--course")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("config", ["c = (", "1 / 0", "c = get_config()\nc.Grader.memory = 'much'"])
def test_a_broken_configuration_is_one_sentence(
    run: Run, tmp_path: Path, command: tuple[str, ...], config: str
) -> None:
    (tmp_path / "nbgrader_config.py").write_text(config)
    _says(run("--course", tmp_path, *command), "nbgrader_config.py")


@pytest.mark.parametrize("command", ["release", "intake", "grade", "feedback", "report"])
def test_an_unknown_assignment_is_one_sentence(
    run: Run, released_course: Path, command: str
) -> None:
    _says(run("--course", released_course, command, "ps9"), "'ps9'", "ps1")


@pytest.mark.parametrize("command", ["intake", "grade", "feedback", "report"])
def test_an_assignment_that_is_not_released_is_one_sentence(
    run: Run, released_course: Path, command: str
) -> None:
    source = released_course / "source"
    shutil.copytree(source / "ps1", source / "ps2")
    _says(run("--course", released_course, command, "ps2"), "grader release ps2")


def test_a_course_without_a_gradebook_is_one_sentence(run: Run, released_course: Path) -> None:
    (released_course / "gradebook.db").unlink()
    _says(run("--course", released_course, "grade", "ps1"), "grader release ps1")


@pytest.mark.parametrize("command", ["intake", "grade", "feedback", "report"])
def test_nothing_handed_in_or_graded_is_one_sentence(
    run: Run, released_course: Path, command: str
) -> None:
    _says(run("--course", released_course, command, "ps1"), "'ps1'", "`grader ")


@pytest.mark.parametrize("command", ["intake", "grade", "feedback"])
def test_a_student_who_is_not_there_is_one_sentence(run: Run, graded: Path, command: str) -> None:
    _says(run("--course", graded, command, "ps1", "--student", "zoe"), "zoe")


def test_a_course_without_assignments_is_one_sentence(run: Run, tmp_path: Path) -> None:
    _says(run("--course", tmp_path, "release"), "has no assignments to release")


def test_a_bundle_that_is_none_is_one_sentence(run: Run, released_course: Path) -> None:
    intake = ("--course", released_course, "intake", "ps1", "--from")
    _says(run(*intake, released_course / "no.zip"), "no.zip")
    _says(run(*intake, released_course / "gradebook.db"), "neither a folder nor a zip")


@pytest.mark.parametrize(
    ("name", "content"), [("no.ipynb", None), ("pdf.ipynb", b"%PDF"), ("empty.ipynb", b"")]
)
def test_a_notebook_that_cannot_be_read_is_one_sentence(
    run: Run, tmp_path: Path, name: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    _says(run("check", tmp_path / name), name)


def test_a_source_that_is_no_notebook_is_one_sentence(run: Run, released_course: Path) -> None:
    (released_course / "source" / "ps1" / "problem1.ipynb").write_text("%PDF")
    _says(run("--course", released_course, "release", "ps1"), "problem1")


def test_an_unknown_sandbox_is_one_sentence(run: Run, graded: Path) -> None:
    course = ("--course", graded)
    _says(run(*course, "grade", "ps1", "--sandbox", "jail"), "'jail'", "bubblewrap or none", code=2)
    notebook = graded / "release" / "ps1" / "problem1.ipynb"
    _says(run("check", notebook, "--sandbox", "jail"), "'jail'", code=2)


@pytest.fixture
def _no_bubblewrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    examine_host.cache_clear()
    yield
    examine_host.cache_clear()


@pytest.mark.usefixtures("_no_bubblewrap")
def test_without_bubblewrap_grading_refuses_in_one_sentence(run: Run, graded: Path) -> None:
    said = run("--course", graded, "grade", "ps1")
    _says(said, "cannot be isolated here", "bubblewrap", "--sandbox none")
    code, out, err = run("--course", graded, "doctor")
    assert (code, err) == (1, "")
    assert "✗" in out
    notebook = graded / "release" / "ps1" / "problem1.ipynb"
    _says(run("check", notebook, "--sandbox", "bubblewrap"), "cannot be isolated here")


@pytest.mark.parametrize("command", ["intake", "grade", "feedback", "report", "doctor"])
def test_a_gradebook_that_is_no_database_is_told(run: Run, graded: Path, command: str) -> None:
    (graded / "gradebook.db").write_bytes(b"this is no database" * 1000)
    arguments = ("--course", graded, command, *(["ps1"] if command != "doctor" else []))
    if command == "doctor":
        code, out, err = run(*arguments)
        assert (code, err) == (1, "")
        assert "file is not a database" in " ".join(out.split())
    else:
        _says(run(*arguments), "gradebook", "file is not a database")


def test_scores_that_cannot_be_written_are_one_sentence(run: Run, graded: Path) -> None:
    code, out, err = run("--course", graded, "report", "ps1", "--csv", graded / "no" / "a.csv")
    assert code == 1
    assert "Wrote the class report" in out
    assert err.startswith("Error: ")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("folder", ["feedback", "reports"])
def test_pages_that_cannot_be_written_are_one_sentence(run: Run, graded: Path, folder: str) -> None:
    command = "feedback" if folder == "feedback" else "report"
    assert run("--course", graded, command, "ps1")[0] == 0
    page = next(path for path in graded.rglob("*.html"))
    where = graded / page.relative_to(graded).parts[0]
    shutil.rmtree(where)
    where.write_text("in the way")
    _says(run("--course", graded, command, "ps1"), "could not be written")


def test_ctrl_c_is_one_sentence(run: Run, graded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("grader.report.write_class", interrupt)
    code, out, err = run("--course", graded, "report", "ps1")
    assert (code, out, err) == (130, "", "Stopped. Run the same command to go on.\n")


@pytest.mark.parametrize("arguments", [["grade"], ["nope"], ["grade", "ps1", "--workers", "-1"]])
def test_a_command_that_is_not_understood_has_exit_code_2(run: Run, arguments: list[str]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err


def test_help_names_every_command_and_imports_no_nbgrader() -> None:
    code = (
        "import sys\nsys.argv = ['grader', '--help']\nfrom grader.cli import main\n"
        "try: main()\nexcept SystemExit as end: assert not end.code\n"
        "assert not {'nbgrader', 'papermill', 'distributed', 'nbclient'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    for command in ("release", "check", "intake", "grade", "feedback", "report", "doctor"):
        assert command in done.stdout


def test_the_course_may_be_named_by_a_relative_path(
    run: Run, graded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(graded.parent)
    here = os.getcwd()
    code, out, err = run("--course", graded.name, "grade", "ps1")
    assert (code, err) == (0, "")
    assert "0 graded now, 1 kept from before." in out
    assert os.getcwd() == here
    monkeypatch.chdir(graded)
    assert run("grade", "ps1")[0] == 0


def test_release_feedback_and_report_say_where_things_are(run: Run, graded: Path) -> None:
    course = ("--course", graded)
    code, out, err = run(*course, "release")
    assert (code, err) == (0, "")
    assert out == f"Released ps1: 3 files in {graded / 'release' / 'ps1'}\n"
    code, out, err = run(*course, "feedback", "ps1")
    assert (code, err) == (0, "")
    assert out.startswith("Wrote 2 feedback pages: ")
    assert len(out.splitlines()) == 1
    code, out, err = run(*course, "report", "ps1", "--csv", graded / "scores.csv")
    assert (code, err) == (0, "")
    page = Path(out.splitlines()[0].removeprefix("Wrote the class report: "))
    assert "ann" in page.read_text()
    assert "ann" in (graded / "scores.csv").read_text()


def test_the_class_table_fits_80_columns_and_shows_untrusted_text_as_it_is(
    run: Run, graded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(graded, "bob@example.org", change=_only_half)
    with monkeypatch.context() as patch:
        install(patch)
        code, out, err = run("--course", graded, "grade", "ps1")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert "bob@example.org" in out
    assert "15 / 23" in out or "14 / 23" in out
    assert "1 graded now, 1 kept from before." in out


def test_of_a_large_class_the_odd_ones_are_shown(
    run: Run, graded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(graded, "bob", change=_only_half)
    monkeypatch.setattr("grader.report.table.MANY", 1)
    with monkeypatch.context() as patch:
        install(patch)
        code, out, err = run("--course", graded, "grade", "ps1")
    assert (code, err) == (0, "")
    said = " ".join(out.split())
    assert "bob" in out
    assert "ann" not in out
    assert "Rows: 1 of 2, for submissions that" in said
    assert "`grader report ps1` writes the table of all." in said
    assert "2 submissions, mean" in said


def _only_half(name: str, notebook: nbformat.NotebookNode) -> None:
    notebook.cells = notebook.cells[:4]


def test_intake_says_what_came_and_what_was_passed_over(
    run: Run, released_course: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "downloads"
    for name in ("ann/problem1.ipynb", "ann/problem2.ipynb", "[b]/problem1.ipynb"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(
            (released_course / "release" / "ps1" / Path(name).name).read_bytes()
        )
    code, out, err = run("--course", released_course, "intake", "ps1", "--from", folder)
    assert code == 1, "something was passed over"
    assert "Took in 2 of 3 files." in out
    assert "2 of 2" in out
    assert "[b]/problem1.ipynb" in err


def test_check_of_a_stub_a_right_answer_and_an_edited_test(run: Run, released_course: Path) -> None:
    path = released_course / "release" / "ps1" / "problem2.ipynb"
    path.chmod(0o644)
    code, out, err = run("check", path)
    assert (code, err) == (1, "")
    assert "✗" in out or "!" in out
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = ANSWERS["problem2"].get(grade_id, cell.source)
    nbformat.write(notebook, path)
    code, out, err = run("check", path)
    assert (code, err) == (0, "")
    assert out.count("✓ Passed") == 2
    assert "Hidden tests decide the points" in out
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "test_counter":
            cell.source = "assert True  # [red]"
    nbformat.write(notebook, path)
    code, out, err = run("check", path)
    assert (code, err) == (0, "")
    assert "You changed the cell test_counter" in out


@pytest.mark.usefixtures("needs_bubblewrap")
def test_doctor_of_a_good_course_finds_nothing_broken(run: Run, graded: Path) -> None:
    code, out, err = run("--course", graded, "doctor")
    assert (code, err) == (0, "")
    assert "✗" not in out
    for name in ("assignments", "gradebook", "disk", "bubblewrap", "network"):
        assert name in out


def test_the_module_is_the_program(graded: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "grader", "grade", "ps1"],
        cwd=graded,
        env={**os.environ, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 graded now, 1 kept from before." in done.stdout
