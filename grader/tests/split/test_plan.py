"""What of a notebook runs in which kernel, and whose names are whose."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from grader.release import NotebookTemplate
from grader.split.plan import CellPlan, NotebookPlan, make_plan
from grader.tests.split.notebooks import answer, check, given, notebook, solution

MARK = "### GRADER: ANSWER KERNEL\n"
HIDDEN = "### BEGIN HIDDEN TESTS\nsecret = 5\nassert f(secret)\n### END HIDDEN TESTS"


def planned(
    *cells: nbformat.NotebookNode, template: NotebookTemplate | None = None
) -> NotebookPlan:
    return make_plan(notebook(*cells), template)


def plans(
    *cells: nbformat.NotebookNode, template: NotebookTemplate | None = None
) -> tuple[CellPlan, ...]:
    return planned(*cells, template=template).cells


def template(complete: bool = True, **defines: list[str]) -> NotebookTemplate:
    """An instructor's copy that says which solution cell is there to define what."""
    return NotebookTemplate("work", (), {}, dict(defines), complete=complete)


def test_students_cells_run_in_the_answer_kernel_and_tests_in_the_other() -> None:
    student, stub, setup, test = plans(
        answer("x = 1"),
        solution("s", "def f(): pass"),
        given("g", "limit = 3"),
        check("t", "assert f(limit)"),
    )
    assert [plan.answer for plan in (student, stub)] == ["x = 1", "def f(): pass"]
    assert not student.tested
    assert not stub.tested
    assert (setup.answer, setup.tested) == ("limit = 3", True)
    assert (test.answer, test.tested, test.test) == ("", True, True)
    assert [plan.number for plan in (student, stub, setup, test)] == [1, 2, 3, 4]
    assert [plan.index for plan in (student, stub, setup, test)] == [1, 2, 3, 4]


def test_nothing_of_a_test_reaches_the_answer_kernel() -> None:
    test, after = plans(check("t", f"assert f(1)\n{HIDDEN}"), answer("print(5)"))
    assert test.answer == ""
    assert after.answer == "print(5)"


def test_the_visible_part_of_a_test_runs_there_where_a_later_cell_needs_it() -> None:
    test, _ = plans(check("t", f"table = [1]\n{HIDDEN}\nassert table"), answer("print(table)"))
    assert test.answer.startswith("table = [1]")
    assert "secret" not in test.answer
    assert "HIDDEN" not in test.answer
    assert test.tested


@pytest.mark.parametrize(
    "hidden",
    [
        "### BEGIN HIDDEN TESTS\ntable = 5\n### END HIDDEN TESTS",
        "    ### BEGIN HIDDEN TESTS  \ntable = 5\n    ### END HIDDEN TESTS ",
        "# BEGIN MARK SCHEME\ntable = 5\n# END MARK SCHEME",
        "### BEGIN HIDDEN TESTS\n1\n### END HIDDEN TESTS\n"
        "### BEGIN HIDDEN TESTS\ntable = 5\n### END HIDDEN TESTS",
    ],
)
def test_a_name_that_only_a_hidden_part_binds_brings_nothing_across(hidden: str) -> None:
    test, _ = plans(check("t", hidden), answer("table"))
    assert test.answer == ""


def test_a_later_cell_that_defines_the_name_itself_needs_no_visible_part() -> None:
    test, _ = plans(check("t", "table = [1]"), answer("table = []\nprint(table)"))
    assert test.answer == ""


@pytest.mark.parametrize(
    "mark",
    [MARK, "# grader: answer kernel\n", "  ### GRADER:ANSWER KERNEL  \n", "x = 1\n" + MARK],
)
def test_a_marked_test_runs_in_the_answer_kernel_whole(mark: str) -> None:
    (plan,) = plans(check("t", mark + "import inspect\ninspect.getsource(f)"))
    assert plan.marked
    assert plan.test
    assert not plan.tested
    assert plan.answer.endswith("inspect.getsource(f)")


@pytest.mark.parametrize("source", ["GRADER: ANSWER KERNEL", "x = '### GRADER: ANSWER KERNEL'"])
def test_a_mark_is_a_comment_line_of_its_own(source: str) -> None:
    (plan,) = plans(check("t", source))
    assert not plan.marked
    assert plan.tested


def test_a_student_cannot_mark_a_test() -> None:
    student, test = plans(answer(MARK + "x = 1"), check("t", "x"))
    assert not student.marked
    assert test.tested


def test_instructors_names_are_never_asked_from_the_student() -> None:
    cells = (
        given("g", "import numpy as np\ndef helper(x): return x\nlimit = 3"),
        solution("s", "def f(): pass\ndef helper(x): return 5\nlimit = 99"),
        check("t", "assert helper(f()) < limit"),
    )
    for plan in (plans(*cells), plans(*cells, template=template(s=["f"]))):
        assert {"np", "helper", "limit"} <= plan[2].reserved
        assert "f" not in plan[2].reserved
        assert not plan[2].owned & {"helper", "limit"}


def test_a_placeholder_of_the_instructors_becomes_the_students() -> None:
    """A cell gives a name a value so that the notebook runs; the solution cell defines it."""
    cells = (
        given("g", "result = None"),
        check("before", "result"),
        solution("s", "result = 5"),
        check("t", "assert result == 5"),
    )
    first, before, _, after = plans(*cells, template=template(s=["result"]))
    assert "result" in before.reserved
    assert "result" not in after.reserved
    assert "result" in after.owned
    assert "result" in before.shared
    assert "result" not in after.shared
    assert first.tested


def test_without_the_instructors_word_a_placeholder_stays_the_instructors() -> None:
    *_, after = plans(
        given("g", "result = None"), solution("s", "result = 5"), check("t", "result == 5")
    )
    assert "result" in after.reserved


def test_a_value_that_a_test_left_behind_may_be_defined_anew() -> None:
    cells = (
        check("one", "result = f(1)\ndef oracle(x): return x"),
        solution("s", "result = 7\ndef oracle(x): return 0"),
        check("two", "assert result == oracle(7)"),
    )
    plan = plans(*cells)
    assert "result" in plan[2].owned
    assert "oracle" in plan[2].reserved
    for found in (template(s=["unrelated"]), template(complete=False, s=[])):
        stated = plans(*cells, template=found)
        assert "result" in stated[2].reserved, "where a copy is at hand its word alone counts"
    stated = plans(*cells, template=template(complete=False, s=["result"]))
    assert "result" in stated[2].owned, "the stub shows it"


def test_an_instructors_name_is_his_from_the_first_cell_on() -> None:
    cells = (
        solution("s", "def f(): return 1"),
        check("t", "assert f() == 1"),
        given("g", "limit = 1\ndef oracle(): return 1"),
        check("u", "value = f()\nassert oracle() == value <= limit"),
        check("v", "del value"),
    )
    _, test, *_ = plans(*cells, template=template(s=["f"]))
    assert {"limit", "oracle", "value"} <= test.reserved


def test_what_a_test_reads_before_any_cell_binds_it_is_asked_from_the_student() -> None:
    cells = (
        solution("s", "# YOUR CODE HERE"),
        check("t", "assert n == 1"),
        given("g", "n = 10"),
        check("u", "assert n == 10"),
    )
    _, before, _, after = plans(*cells, template=template(complete=False, s=[]))
    assert "n" not in before.reserved
    assert "n" in after.reserved


def test_a_student_who_binds_a_name_keeps_no_cell_out_of_the_test_kernel() -> None:
    cells = (
        given("setup", "limit = 3"),
        solution("s", "limit = 5\nresult = 1"),
        given("lock", "import sys\nsys.setrecursionlimit(limit * 1000)"),
        check("t", "assert result"),
    )
    for found in (template(s=["result"]), template(complete=False, s=[])):
        assert plans(*cells, template=found)[2].tested


def test_a_test_that_defines_a_name_takes_it_from_then_on() -> None:
    cells = (
        solution("s", "x = 1"),
        check("one", "assert x == 1\nx = 2"),
        check("two", "assert x == 2"),
    )
    _, one, two = plans(*cells, template=template(s=["x"]))
    assert "x" in one.owned
    assert "x" not in one.reserved
    assert "x" in two.reserved
    assert "x" not in two.owned


def test_a_function_with_the_name_of_pythons_own_is_the_students() -> None:
    _, test = plans(solution("s", "def sum(x): return 0"), check("t", "assert sum([1]) == 1"))
    assert "sum" in test.owned
    _, test = plans(solution("s", "from operator import pow"), check("t", "assert pow(2, 2) == 4"))
    assert "pow" not in test.owned, "an import defines nothing of the student's"


def test_imports_of_a_students_cell_are_not_the_test_kernels() -> None:
    plan = planned(
        given("g", "import math"),
        solution("s", "import random as np\nimport os\ndef f(): pass"),
        check("t", "import json\nassert f()"),
    )
    assert plan.prelude == ("import math", "import json")
    assert {"math", "json"} <= plan.cells[2].reserved
    assert not {"os", "np"} & plan.cells[2].reserved


@pytest.mark.parametrize(
    ("source", "runs"),
    [
        ("import math\nfrom json import dumps, loads", False),
        ("import math\n# of a later cell", False),
        ("import math\nlimit = 3", True),
        ("if True:\n    import math", True),
        ("from __future__ import annotations", True),
        ("import math\n%matplotlib inline", True),
        ("# nothing", True),
    ],
)
def test_a_first_cell_that_only_imports_is_what_the_test_kernel_begins_with(
    source: str, runs: bool
) -> None:
    first, _, again, test = plans(
        given("g", source), given("h", "x = 1"), given("i", source), check("t", "assert x")
    )
    assert (first.answer, first.tested) == (source, runs)
    assert again.tested, "what stands between may have bound these names"
    imported = {"math", "json", "dumps", "loads"} & set(source.replace(",", "").split())
    assert imported - {"json"} <= test.reserved


def test_imports_of_the_instructors_source_are() -> None:
    """A solution cell's import is gone from the stub, and tests still use it."""
    found = NotebookTemplate(
        "work", (), {}, {"s": ["f"]}, imports=("import numpy as np",), complete=True
    )
    plan = planned(solution("s", "np = 5\ndef f(): pass"), check("t", "np.sum"), template=found)
    assert plan.prelude == ("import numpy as np",)
    assert "np" in plan.cells[1].reserved


@pytest.mark.parametrize(
    "source",
    [
        "data.sort()",
        "### GRADER: CHANGES data\nimport random\nrandom.shuffle(data)",
        "def f():\n    data.append(1)\nf()",
        "data = [1]",
    ],
)
def test_nothing_that_a_student_writes_makes_an_instructors_data_theirs(source: str) -> None:
    cells = (
        given("g", "data = [3, 1]"),
        solution("s", source),
        check("t", "assert data == [3, 1]"),
    )
    for found in (template(s=["f"]), template(complete=False), None):
        *_, test = plans(*cells, template=found)
        assert "data" in test.reserved
        assert "data" not in test.owned
    *_, test = plans(*cells, template=template(s=["data"]))
    assert "data" in test.owned, "only the reference decides"


def test_imports_of_a_marked_test_stay_where_it_runs() -> None:
    assert planned(check("t", MARK + "import inspect")).prelude == ()


def test_an_instructors_cell_that_only_shows_students_results_is_not_tested() -> None:
    cells = (
        given("setup", "scale = 2"),
        solution("s", "result = 5"),
        given("show", "print(result * scale)"),
        check("t", "assert result"),
    )
    setup, _, show, _ = plans(*cells)
    assert setup.tested
    assert not show.tested
    assert show.answer == "print(result * scale)"


def test_without_the_solutions_a_name_that_nobody_binds_is_the_students() -> None:
    cells = (
        solution("s", "# YOUR CODE HERE"),
        given("show", "print(result)"),
        check("t", "assert result"),
    )
    assert not plans(*cells, template=template(complete=False, s=[]))[1].tested
    assert plans(given("g", "from math import *"), *cells, template=template(False, s=[]))[2].tested


def test_an_instructors_cell_that_a_test_needs_is_tested_whatever_it_uses() -> None:
    _, helper, middle, _ = plans(
        solution("s", "result = 5"),
        given("h", "doubled = result * 2"),
        given("m", "def check_it():\n    assert doubled"),
        check("t", "check_it()"),
    )
    assert helper.tested
    assert middle.tested


def test_nothing_after_the_last_test_is_tested() -> None:
    *_, after = plans(check("t", "assert True"), given("bye", "print('done')"))
    assert not after.tested
    assert after.answer == "print('done')"


def test_an_unlocked_cell_without_grades_is_the_students() -> None:
    loose = given("g", "limit = 3")
    loose.metadata.nbgrader.locked = False
    first, test = plans(loose, check("t", "limit"))
    assert not first.tested
    assert "limit" not in test.reserved


def test_injected_parameters_are_the_instructors_and_not_counted() -> None:
    injected = new_code_cell("SEED = 7", metadata={"tags": ["injected-parameters"]})
    first, student, test = plans(injected, answer("SEED = 8"), check("t", "SEED"))
    assert (first.number, student.number, test.number) == (0, 1, 2)
    assert first.tested
    assert first.answer == "SEED = 7"
    assert "SEED" in test.reserved


@pytest.mark.parametrize("source", ["%matplotlib inline", "%%time\nx = 1", "!true", "f(:", ""])
def test_magics_and_syntax_errors_have_a_plan(source: str) -> None:
    setup, student, test = plans(given("g", source), answer(source), check("t", source))
    assert (setup.answer, student.answer, test.answer) == (source, source, "")
    assert setup.tested
    assert test.tested


def test_names_after_a_magic_are_seen() -> None:
    _, test = plans(given("g", "%matplotlib inline\nlimit = 3"), check("t", "limit"))
    assert "limit" in test.reserved
