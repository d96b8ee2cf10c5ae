"""What grading trusts: the instructor's cells as nbgrader's gradebook has them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.nbgraderformat import MetadataValidator

from grader.course import Course
from grader.errors import CourseError
from grader.release import AssignmentTemplate, load_template
from grader.release.template import students_names
from grader.tests.courses import _cell, _test
from grader.tests.release.conftest import CANARY


@pytest.fixture
def course(_released_course: Path) -> Course:
    """A course that these tests only read."""
    return Course(_released_course)


@pytest.fixture
def template(course: Course) -> AssignmentTemplate:
    return load_template(course, "ps1")


def test_data_that_the_reference_solution_changes_is_the_students() -> None:
    cells = [
        _cell(
            "data", "stock, rows, limit = {}, [], [3]\nimport os\ndef helper(): pass", locked=True
        ),
        _cell("one", "stock['pear'] = 1\nx = limit[0]\nos.x = helper.y = 2", solution=True),
        _test("t", 1, "mine = []"),
        _cell("two", "rows.append(1)\nmine.append(2)", solution=True),
    ]
    more = "def put(to, x):\n    to.append(x)\ndef new(x):\n    x = []\n    x.append(1)\n"
    cells += [_cell("three", f"{more}put(rows, limit)\nnew(stock)", solution=True)]
    found = students_names(cells, {"one": {"stub"}, "two": set(), "three": set()})
    assert found.pop("three") == ["new", "put", "rows"]
    assert found == {"one": ["stock", "stub", "x"], "two": ["rows"]}


def test_the_template_is_the_gradebook(course: Course, template: AssignmentTemplate) -> None:
    with Gradebook(course.db_url) as gradebook:
        assignment = gradebook.find_assignment("ps1")
        assert set(template.notebooks) == {notebook.name for notebook in assignment.notebooks}
        for notebook in assignment.notebooks:
            cells = {cell.grade_id: cell for cell in template.notebooks[notebook.name].cells}
            assert set(cells) == {cell.name for cell in notebook.source_cells}
            for source in notebook.source_cells:
                mine = cells[source.name]
                assert (mine.source, mine.checksum) == (source.source, source.checksum)
                assert (mine.cell_type, mine.locked) == (source.cell_type, source.locked)
            points = {c.name: c.max_score for c in [*notebook.grade_cells, *notebook.task_cells]}
            assert {n: c.points for n, c in cells.items() if c.points is not None} == points
            assert {n for n, c in cells.items() if c.task} == {c.name for c in notebook.task_cells}
            assert {n for n, c in cells.items() if c.grade} == {
                c.name for c in notebook.grade_cells
            }
            assert {n for n, c in cells.items() if c.solution} == {
                c.name for c in notebook.solution_cells
            }


def test_the_order_is_that_of_the_notebook(template: AssignmentTemplate) -> None:
    assert list(template.notebooks) == ["problem1", "problem2"]
    assert [cell.grade_id for cell in template.notebooks["problem2"].cells] == [
        "read",
        "mean",
        "test_mean",
        "counter",
        "helper",
        "test_counter",
        "prose",
        "code_by_hand",
        "task",
    ]


def test_only_autograded_cells_are_tests(template: AssignmentTemplate) -> None:
    tests = {
        name: {cell.grade_id: cell.points for cell in notebook.tests}
        for name, notebook in template.notebooks.items()
    }
    assert tests == {
        "problem1": {
            "test_squares": 2,
            "test_squares_raises": 1,
            "test_sum": 2,
            "partial_sum": 3,
            "test_plot": 1,
        },
        "problem2": {"test_mean": 3, "test_counter": 2},
    }


def test_the_template_keeps_hidden_tests_and_no_solution(template: AssignmentTemplate) -> None:
    cells = {cell.grade_id: cell for cell in template.notebooks["problem1"].cells}
    assert "wrong sum of squares" in cells["test_sum"].source
    assert "NotImplementedError" in cells["sum_of_squares"].source


def test_a_template_travels_as_json(template: AssignmentTemplate) -> None:
    again = AssignmentTemplate.from_json(json.loads(json.dumps(template.to_json())))
    assert again == template
    assert again.to_json() == template.to_json()


def test_tags_travel_too(text_course: Course) -> None:
    from grader.release import release_assignment

    template = release_assignment(text_course, "hello").template
    again = AssignmentTemplate.from_json(json.loads(json.dumps(template.to_json())))
    assert again == template
    assert again.notebooks["hello"].cells[0].tags == ("parameters",)
    assert again.notebooks["hello"].cells[0].metadata()["tags"] == ["parameters"]


def test_misconceptions_travel_too_and_make_other_conditions(text_course: Course) -> None:
    from grader.farm.job import Conditions
    from grader.release import release_assignment
    from grader.sandbox import SandboxMode

    template = release_assignment(text_course, "hello").template
    (wrong,) = template.notebooks["hello"].misconceptions
    assert (wrong.name, wrong.function) == ("hello__shouts", "hello")
    assert "BEGIN SOLUTION" in "".join(template.notebooks["hello"].solutions)
    again = AssignmentTemplate.from_json(json.loads(json.dumps(template.to_json())))
    assert again == template
    catalogue = text_course.solutions / "hello" / "misconceptions.py"
    catalogue.write_text(catalogue.read_text().replace("upper", "swapcase"))
    digests = [
        Conditions(found, {}, text_course.limits, SandboxMode.NONE, {}).digest
        for found in (template, again, load_template(text_course, "hello"))
    ]
    assert digests[0] == digests[1] != digests[2]
    catalogue.write_text("def hello__shouts(")
    with pytest.raises(CourseError, match="not valid Python"):
        load_template(text_course, "hello")
    catalogue.unlink()
    bare = load_template(text_course, "hello").notebooks["hello"]
    assert (bare.misconceptions, bare.solutions) == ((), ())


def test_edits_of_the_reference_travel_as_what_they_make(text_course: Course) -> None:
    from grader.release import release_assignment

    folder = text_course.solutions / "hello"  # type: ignore[operator]  # it has text sources
    (folder / "misconceptions.toml").write_text(
        '[[misconception]]\nfunction = "hello"\nname = "whispers"\n'
        f'original = \'return "Hello, " + name + "!"  # {CANARY}-answer\'\n'
        'mutant = \'return "hello, " + name + "!"\'\nsentence = "Speak up."\n'
    )
    template = release_assignment(text_course, "hello").template
    wrong = template.notebooks["hello"].misconceptions
    assert [each.name for each in wrong] == ["hello__shouts", "hello__whispers"]
    assert wrong[1].source == "def hello(name):\n    return 'hello, ' + name + '!'"
    (folder / "misconceptions.py").unlink()
    [alone] = load_template(text_course, "hello").notebooks["hello"].misconceptions
    assert alone == wrong[1]


def test_metadata_is_what_nbgrader_expects(template: AssignmentTemplate) -> None:
    for notebook in template.notebooks.values():
        for cell in notebook.cells:
            made = nbformat.v4.new_code_cell(metadata=cell.metadata())
            made.cell_type = cell.cell_type
            MetadataValidator().validate_cell(made)


def test_an_unreadable_release(released_course: Path) -> None:
    (released_course / "release" / "ps1" / "problem1.ipynb").write_text("{")
    with pytest.raises(
        CourseError, match=r"problem1\.ipynb cannot be read: run `grader release ps1"
    ):
        load_template(Course(released_course), "ps1")


def test_a_lost_release_folder_does_not_lose_the_template(released_course: Path) -> None:
    course = Course(released_course)
    before = load_template(course, "ps1")
    shutil.rmtree(released_course / "release")
    after = load_template(course, "ps1")
    assert after.notebooks.keys() == before.notebooks.keys()
    for name, notebook in before.notebooks.items():
        assert set(after.notebooks[name].cells) == set(notebook.cells)


def test_without_a_gradebook_the_sentence_says_what_to_do(
    released_course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (released_course / "gradebook.db").unlink()
    monkeypatch.setenv("PATH", "/nowhere")  # nbgrader then runs alembic by its bare name
    with pytest.raises(CourseError, match=r"'ps1' is not in the gradebook .*`grader release ps1`"):
        load_template(Course(released_course), "ps1")
