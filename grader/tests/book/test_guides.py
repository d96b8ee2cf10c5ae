"""The pages for students and instructors say only what the commands and settings really do."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import typer
from nbgrader.apps.nbgraderapp import NbGraderApp
from typer.exceptions import TyperException

from grader.cli import app
from grader.course import Course, Grader
from grader.farm import grade
from grader.intake import clean_notebook
from grader.release import NotebookTemplate, TemplateCell, load_template
from grader.report import each_graded, write_class, write_feedback
from grader.report.verdicts import OUTCOMES, PARTLY
from grader.split import engine
from grader.split.recorder import Recorder
from grader.tests.courses import KERNELSPEC, submit

from .conftest import ROOT

PAGES = {
    name: (ROOT / f"book/{name}.md").read_text("utf-8") for name in ("students", "instructors")
}
FENCE = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`((?:grader|nbgrader|make) [a-z-][^`\n]*)`")
ROW = re.compile(r"^\|(.+)\|$", re.MULTILINE)
SETTING = re.compile(r"c\.Grader\.(\w+)")


def command_lines() -> Iterator[list[str]]:
    """Every command that a page shows, as a shell would split it, without variables."""
    for text in PAGES.values():
        blocks = [block.replace("\\\n", " ") for block in FENCE.findall(text)]
        for line in [*"\n".join(blocks).splitlines(), *INLINE.findall(text)]:
            plain = line.removeprefix("exec ").replace('"$SLURM_CPUS_PER_TASK"', "2")
            if plain and not plain.startswith(("#", "export", "set ", "folders=")):
                words = shlex.split(re.sub(r"\$\(.*\)", "VALUE", plain))
                yield [words[0].removeprefix(".venv/bin/"), *words[1:]]


def commands_of(program: str) -> list[list[str]]:
    found = [words[1:] for words in command_lines() if words[0] == program]
    assert found, program
    return found


def rows_below(page: str, header: str) -> list[list[str]]:
    """Cells of the table whose header row contains `header`."""
    table = PAGES[page].split(header, 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in row.split("|")] for row in ROW.findall(table)[1:]]


def parse(arguments: list[str]) -> str:
    """Parse what follows the word `grader`, without running it; returns the command's name."""
    group: Any = typer.main.get_command(app)
    options = 2 if arguments[0] == "--course" else 0
    name, *rest = arguments[options:]
    command = group.commands[name]
    if rest:  # in a sentence, a command may be named without its arguments
        with command.make_context(name, rest):
            pass
    return str(name)


@pytest.mark.parametrize("arguments", commands_of("grader"), ids=" ".join)
def test_a_grader_command_parses(arguments: list[str]) -> None:
    parse(arguments)


def test_every_grader_command_is_shown() -> None:
    shown = {parse(arguments) for arguments in commands_of("grader")}
    group: Any = typer.main.get_command(app)
    assert shown == set(group.commands)


@pytest.mark.parametrize("words", ["publish ps1", "grade ps1 --cluster tcp", "grade --regrade"])
def test_the_parser_refuses_what_does_not_exist(words: str) -> None:
    with pytest.raises((KeyError, TyperException)):
        parse(words.split())


@pytest.mark.parametrize("arguments", commands_of("nbgrader"), ids=" ".join)
def test_an_nbgrader_command_exists(arguments: list[str]) -> None:
    assert arguments[0] in NbGraderApp.subcommands


def test_the_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in {word for words in commands_of("make") for word in words}:
        assert f"\n{target}:" in makefile


def test_every_setting_shown_exists() -> None:
    known = Grader.class_trait_names(config=True)
    shown = [name for text in PAGES.values() for name in SETTING.findall(text)]
    assert shown
    assert set(shown) <= set(known)


def test_the_table_of_settings_is_complete_and_its_defaults_are_right() -> None:
    rows = rows_below("instructors", "| `c.Grader.` name and default | meaning |")
    pairs = [setting.strip("`").split(" = ") for setting, _ in rows]
    shown = {name: ast.literal_eval(default) for name, default in pairs}
    assert set(shown) == set(Grader.class_trait_names(config=True))
    for name, default in shown.items():
        assert getattr(Grader(**{name: default}), name) == getattr(Grader(), name), name


def test_the_numbers_of_this_course_are_right() -> None:
    course = Course(ROOT)
    settings, limits = course.settings, course.limits
    assert f'`solutions_directory = "{settings.solutions_directory}"`' in PAGES["instructors"]
    assert f"`cell_timeout = {limits.cell_timeout}`" in PAGES["instructors"]
    assert f"`notebook_timeout = {limits.notebook_timeout}`" in PAGES["instructors"]
    assert (
        f"a cell may run for {limits.cell_timeout:g} seconds and the whole notebook for "
        f"{limits.notebook_timeout:g}, with {limits.memory / 2**30:g} GiB of memory"
    ) in PAGES["students"]
    assert f"smaller than {limits.submission_size / 2**20:g} MiB" in PAGES["students"]
    own, of_check = course.limits, Grader().limits()
    assert own != of_check
    assert (
        f"it allows {of_check.cell_timeout:g} seconds for a cell and "
        f"{of_check.notebook_timeout:g} for the notebook"
    ) in PAGES["students"]


def test_every_way_a_step_can_end_is_explained_in_the_reports_own_words() -> None:
    explained = dict(rows_below("students", "| result | what the page says, and what to do |"))
    for verdict in (*OUTCOMES.values(), PARTLY):
        assert explained[f"{verdict.symbol} {verdict.word}"].startswith(verdict.meaning)


def test_the_graders_own_messages_are_quoted_with_this_courses_limits() -> None:
    limits = Course(ROOT).limits
    explained = dict(rows_below("students", "| message | meaning |"))
    for sentence in engine._SENTENCES.values():
        shown = sentence.format(
            memory=limits.memory / 2**30,
            output=limits.output / 2**20,
            total=limits.notebook_timeout,
        )
        assert shown in explained
    cell = nbformat.v4.new_code_cell()
    recorder = Recorder("notebook", ())
    recorder.cell_timed_out(cell, 1, limits.cell_timeout, 0.0)
    assert recorder.result().failures[0].message in explained


def _delete(cells: list[Any], at: int) -> None:
    del cells[at]


def _repeat(cells: list[Any], at: int) -> None:
    cells.insert(at, nbformat.from_dict({**cells[at], "id": "a-copy"}))


def _move(cells: list[Any], at: int) -> None:
    cells.append(cells.pop(at))


def _edit(cells: list[Any], at: int) -> None:
    cells[at].source = "assert True"


def _make_text(cells: list[Any], at: int) -> None:
    cells[at] = nbformat.v4.new_markdown_cell(cells[at].source, metadata=cells[at].metadata)


@pytest.mark.parametrize(
    ("grade_id", "change"),
    [
        ("test_step1_morning_values", _edit),
        ("test_step1_morning_values", _delete),
        ("test_step1_morning_values", _move),
        ("step1_morning_values", _delete),
        ("step1_morning_values", _repeat),
        ("step1_morning_values", _make_text),
    ],
)
def test_what_students_are_told_is_quoted_as_intake_says_it(
    grade_id: str, change: Callable[[list[Any], int], None]
) -> None:
    path = ROOT / "exercises/dynamic-programming/dynamic-programming.ipynb"
    notebook = nbformat.read(path, as_version=4)
    marks = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    template = NotebookTemplate(
        path.stem,
        tuple(
            TemplateCell(
                grade_id=mark["grade_id"],
                cell_type=cell.cell_type,
                source=cell.source,
                checksum="",
                locked=mark["locked"],
                grade=mark["grade"],
                solution=mark["solution"],
                task=mark["task"],
                points=mark.get("points"),
                tags=(),
            )
            for cell, mark in zip(notebook.cells, marks, strict=True)
            if mark
        ),
        KERNELSPEC,
    )
    change(notebook.cells, [mark.get("grade_id") for mark in marks].index(grade_id))
    clean = clean_notebook(nbformat.writes(notebook).encode(), template)
    assert len(clean.problems) == 1
    assert f'"{clean.problems[0]}"' in PAGES["students"]


@pytest.mark.parametrize("raw", [None, b"%PDF-1.7"])
def test_unusable_files_are_quoted_as_intake_says_it(raw: bytes | None) -> None:
    clean = clean_notebook(raw, NotebookTemplate("dynamic-programming", (), KERNELSPEC))
    assert f'"{clean.unreadable}"' in PAGES["students"]


def test_the_folders_of_this_course_are_right() -> None:
    course = Course(ROOT)
    shown = dict(rows_below("instructors", "| what | where |"))
    assert course.solutions is not None
    written = {
        "what you write": course.solutions / "ASSIGNMENT",
        "what students get": course.path("release", "ASSIGNMENT"),
    }
    for what, folder in written.items():
        assert shown[what] == f"`{folder.relative_to(ROOT)}/`"
    assert (ROOT / ".github/workflows/gpu.yml").is_file()


@pytest.mark.usefixtures("needs_bubblewrap")
def test_every_folder_shown_exists_in_a_graded_course(released_course: Path) -> None:
    submit(released_course, "s001")
    course = Course(released_course)
    assert load_template(course, "ps1").notebooks
    assert grade(course, "ps1", workers=1).faults == ()
    graded = list(each_graded(course, "ps1"))
    write_feedback(course, graded[0])
    write_class(course, "ps1", graded)
    plain = {"solutions/": "source/", "exercises/": "release/"}
    assert (
        "`source/ASSIGNMENT/` and `release/ASSIGNMENT/` for the first two" in PAGES["instructors"]
    )
    for what, where in rows_below("instructors", "| what | where |"):
        shown = where.strip("`")
        names = {"ASSIGNMENT": "ps1", "STUDENT": "s001", "NOTEBOOK": "problem1"}
        for word, name in (plain | names).items():
            shown = shown.replace(word, name)
        assert (released_course / shown).exists(), what
