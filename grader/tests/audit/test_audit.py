"""What an audit finds in assignments that are fair, unfair, blunt and leaky."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from grader import cli
from grader.audit import audit as auditing
from grader.audit.audit import audit_assignments
from grader.audit.result import Audit, upper_bound
from grader.audit.shown import statement_runs
from grader.audit.subject import read_equivalents
from grader.course import Course
from grader.errors import CourseError, SandboxUnavailable
from grader.release import release_assignment
from grader.tests.audit.conftest import CLAMP, RIGHT, TEST_CLAMP, TEST_TOTAL, TOTAL, WRONG
from grader.tests.courses import make_course as make_plain_course

BOUNDARY = """[[equivalent]]
function = "clamp"
original = "    if x < low:"
mutant = "if x <= low:"
reason = "At x = low both branches return the same number."
"""


@pytest.fixture(autouse=True)
def _not_graded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the comparison with graded versions, which takes seconds, to one test."""

    def refuse(*_args: object) -> None:
        raise SandboxUnavailable("left out here")

    if "needs_bubblewrap" not in request.fixturenames:
        monkeypatch.setattr(auditing, "compare", refuse)


def audit(course: Course, **options) -> Audit:
    (found,) = audit_assignments(course, ["tiny"], **{"seeds": 5, "workers": 1, **options})
    return found


def test_a_fair_and_sharp_assignment(make_course: Callable[..., Course]) -> None:
    found = audit(make_course({"equivalents.toml": BOUNDARY}))
    assert found.problems == []
    assert (found.points, found.blank, found.flakes, found.seeds) == (5.0, 0.0, 0, 5)
    assert (found.cuda, found.pipeline) == ("uses no GPU", "not run: left out here")
    clamp, total = found.steps
    assert (clamp.mutants, clamp.killed) == (4, 3)
    assert total.mutants == total.killed
    assert [(s.misconceptions, s.detected, s.visible, s.alternatives) for s in found.steps] == [
        (1, 1, 1, 1),
        (1, 1, 0, 1),
    ]
    (survivor,) = found.survivors
    assert (survivor.removed, survivor.added) == ("if x < low:", "if x <= low:")
    assert survivor.reason == "At x = low both branches return the same number."


def test_blunt_tests_are_named(make_course: Callable[..., Course]) -> None:
    blunt = "assert clamp(1, 3) is not None or True"
    found = audit(make_course(test_clamp=blunt, clamp=CLAMP.replace("x < low", "x - low < 0")))
    said = "\n".join(found.problems)
    assert "The misconception clamp__takes_the_smaller keeps the points of clamp (seeds 0)." in said
    assert "mutants survive without a word why" in said
    assert found.kill_rate is not None
    assert found.kill_rate < 0.95
    assert "The blank notebook earns" not in said, "the stub raises"
    assert found.steps[0].detected == 0


def test_free_points_are_named(make_course: Callable[..., Course]) -> None:
    found = audit(make_course(test_clamp="assert True"), mutants=False)
    assert "The blank notebook earns 2 points." in found.problems
    expected = "A notebook without an answer to clamp keeps the points of test_clamp."
    assert expected in found.problems


def test_a_change_that_the_text_does_not_show_is_named(make_course: Callable[..., Course]) -> None:
    given = {"parameters": "SEED = 0\ndata, other, unused = [3, 1], [2, 1], [2, 1]"}
    tests = TEST_TOTAL.replace("assert total([]) == 0", "assert data and other")
    quiet = f"{CLAMP}other.sort()\nsort = list.sort\nsort(data)\nsort(unused)\n"
    found = audit(make_course(**given, clamp=quiet, test_total=tests), mutants=False)
    assert [problem for problem in found.problems if "in place" in problem] == [
        "The reference's cell clamp changes data in place, and test_total does not see it: let the "
        "test make its own data, or write the comment line `### GRADER: CHANGES data` into "
        "clamp."
    ]


def test_a_change_by_a_function_that_a_test_calls_is_named(
    make_course: Callable[..., Course],
) -> None:
    given = {"parameters": "SEED = 0\nlog, mine, cache = [], [], {}"}
    note = "def note(x):\n    list.append(log, x)\n    cache[x] = len(mine)\n    return log\n"
    tests = "note(1)\nmine.append(2)\nassert log and mine and cache"
    course = make_course(
        **given,
        total=f"{TOTAL}{note}",
        test_total=f"{TEST_TOTAL}{tests}",
    )
    found = audit(course, mutants=False)
    assert [problem for problem in found.problems if "in place" in problem] == [
        "The reference's cell total changes log in place, and test_total does not see it: let the "
        "test make its own log, or write the comment line `### GRADER: CHANGES log` into "
        "total."
    ]


def test_a_change_that_the_instructor_has_named_is_no_problem(
    make_course: Callable[..., Course],
) -> None:
    tests = TEST_TOTAL.replace("assert total([]) == 0", "assert data")
    said = f"{CLAMP}### GRADER: CHANGES data\nsort = list.sort\nsort(data)\n"
    course = make_course(parameters="SEED = 0\ndata = [3, 1]", clamp=said, test_total=tests)
    assert not any("in place" in problem for problem in audit(course, mutants=False).problems)


def test_unfair_tests_are_named(make_course: Callable[..., Course]) -> None:
    picky = TEST_CLAMP.replace(
        "max(x, 0)", "max(x, 0)\nassert 'max' not in clamp.__code__.co_names"
    )
    chained = TEST_TOTAL.replace(
        "assert total(values)", "assert clamp(1, 0) == 1\nassert total(values)"
    )
    found = audit(make_course(test_clamp=picky, test_total=chained), mutants=False)
    said = "\n".join(found.problems)
    assert "The alternative clamp__by_max loses test_clamp." in said
    assert "A notebook without an answer to clamp also loses test_total." in said
    assert "The misconception clamp__takes_the_smaller also loses test_total." in said
    assert found.blank == 0


def test_flakes_are_counted(make_course: Callable[..., Course]) -> None:
    flaky = TEST_TOTAL.replace(
        "assert total(values) ==", "assert SEED != 3\nassert total(values) =="
    )
    found = audit(make_course(test_total=flaky), mutants=False)
    assert found.flakes == 1
    assert found.flake_bound == pytest.approx(upper_bound(1, 5))
    assert "The reference loses points with 1 of 5 seeds." in found.problems


def test_a_broken_reference_is_named(make_course: Callable[..., Course]) -> None:
    found = audit(make_course(total=TOTAL.replace("result = 0", "result = 1")), mutants=False)
    assert any(
        p.startswith("The reference does not pass test_total (Asser") for p in found.problems
    )


def test_the_reference_is_run_to_its_end(make_course: Callable[..., Course]) -> None:
    course = make_course()
    text = course.root / "solutions" / "tiny" / "tiny.md"
    text.write_text(f"{text.read_text()}\n```{{code-cell}} ipython3\nfinale()\n```\n")
    found = audit(course, mutants=False)
    sentence = "The reference's cell number 6 raises NameError: name 'finale' is not defined."
    assert found.problems == [sentence]


@pytest.mark.parametrize(
    ("entry", "mutants", "sentence"),
    [
        (BOUNDARY.replace("<=", ">="), True, "equivalent, but a test notices it"),
        (BOUNDARY.replace("x <= low", "x <= 7"), True, "no mutant is like that"),
        (BOUNDARY.replace("x <= low", "x <= 7"), False, "no mutant is like that"),
    ],
)
def test_a_stale_entry_is_loud(
    make_course: Callable[..., Course], entry: str, mutants: bool, sentence: str
) -> None:
    found = audit(make_course({"equivalents.toml": entry}), mutants=mutants)
    assert any(sentence in problem for problem in found.problems)


@pytest.mark.parametrize(
    "text", ["[[equivalent]\n", "x = 1\n", BOUNDARY + "more = 'x'\n", BOUNDARY.split("reason")[0]]
)
def test_a_malformed_list_of_equivalents_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "equivalents.toml"
    path.write_text(text)
    with pytest.raises(CourseError, match=r"equivalents\.toml"):
        read_equivalents(path)


def test_leaks_are_named(make_course: Callable[..., Course], tmp_path: Path) -> None:
    close = "def assert_close(got, want, *, name):\n    assert got == want, f'{name}: not {want}'\n"
    hidden = TEST_TOTAL.replace(
        "assert total(values) == sum(values)",
        "assert_close(total([1.2345678901]), 1.2345678901, name='n')",
    )
    page = tmp_path / "pages" / "chapter.md"
    page.parent.mkdir()
    solution = (
        "def f(rows):\n    s = 0 * 1\n    for r in rows:\n        s += 1 * r\n    return s + 0"
    )
    front = "---\njupytext:\n  text_representation:\n    format_name: myst\n    extension: .md\n"
    kernel = "kernelspec:\n  name: python3\n  display_name: P\n---\n"
    page.write_text(f"{front}{kernel}\n1.23456789\n\n```{{code-cell}} ipython3\n{solution}\n```\n")
    course = make_course(
        parameters=f"SEED = 0\n{close}",
        test_total=hidden,
        total=TOTAL.replace("result = 0", "result = 0 * 1")
        .replace("result += value", "result += 1 * value")
        .replace("return result", "return result + 0"),
    )
    release_assignment(course, "tiny")
    released = course.path("release", "tiny") / "tiny.ipynb"
    notebook = nbformat.read(released, as_version=4)
    notebook.cells[0].source += "\nassert clamp(x, 0) == max(x, 0)"
    nbformat.write(notebook, released)
    said = "\n".join(audit(course, mutants=False).leaks)
    assert "would show students what they must not see: 'assert clamp(x, 0)" in said
    assert f"{page} shows 3 statements in a row of total." in said
    assert f"{page} shows a value that a hidden test expects (1.23456789)." in said
    assert "Feedback shows a value that a hidden test expects (1.2345678901)." in said


@pytest.mark.usefixtures("needs_bubblewrap")
def test_what_cannot_be_released_is_named(make_course: Callable[..., Course]) -> None:
    leaky = "x = [1]\n### BEGIN HIDDEN TESTS\nassert clamp(1, 0) == 1"
    found = audit(make_course(test_clamp=leaky), mutants=False)
    assert found.pipeline == "not run: it cannot be released"
    assert any(p.startswith("It cannot be released: In ") for p in found.problems)


def test_runs_of_statements_do_not_depend_on_names() -> None:
    guard = "    if c < 0:\n        raise E\n"
    one = f"def f(a, b):\n    'Doc.'\n    c = a @ b\n{guard}    d = c + 1\n    return d * c"
    two = "import os\nq = v @ w\nk = q + 1\nprint(k * q)\nx = k * q"
    (run,) = [run for name, run in statement_runs(one) if name == "f"]
    assert len(run.splitlines()) == 3
    assert run not in {r for _, r in statement_runs(two)}
    other = "def g(x, y):\n    z = x @ y\n    # more\n    u = z + 1\n    return u * z"
    assert run in {r for _, r in statement_runs(other)}


def test_an_unchanged_assignment_runs_nothing_again(
    make_course: Callable[..., Course], monkeypatch: pytest.MonkeyPatch
) -> None:
    course = make_course()
    first = audit(course)
    monkeypatch.setattr("grader.audit.pool.Pool._start", None)
    assert audit(course).to_json() == first.to_json()


@pytest.mark.parametrize(
    ("failures", "trials", "bound"),
    [(0, 50, 0.0582), (1, 50, 0.0914), (0, 1, 0.95), (3, 10, 0.6066), (5, 5, 1.0)],
)
def test_the_bound_is_that_of_clopper_and_pearson(failures: int, trials: int, bound: float) -> None:
    assert upper_bound(failures, trials) == pytest.approx(bound, abs=1e-4)


def test_a_plain_course_is_audited_for_what_it_has(tmp_path: Path) -> None:
    course = Course(make_plain_course(tmp_path / "plain"))
    first, second = audit_assignments(course, ["ps1"], seeds=1, mutants=False, workers=1)
    assert (first.title, second.title) == ("ps1/problem1", "ps1/problem2")
    assert second.problems == []
    assert [step.misconceptions for step in first.steps] == [0, 0, 0]
    assert any("squares also loses" in problem for problem in first.problems)


def test_an_assignment_without_tests_is_one_sentence(make_course: Callable[..., Course]) -> None:
    course = make_course(clamp="", total="")
    text = course.root / "solutions" / "tiny" / "tiny.md"
    text.write_text(text.read_text().replace("solution: true", "solution: false"))
    with pytest.raises(CourseError, match="no answer with a test after it"):
        audit(course)


EDITS = """
[[misconception]]
function = "clamp"
name = "takes_the_smaller"
original = "if x < low:"
mutant = "if x > low:"
sentence = "You take the smaller number."

[[misconception]]
function = "total"
name = "forgets_the_first"
original = "for value in values:"
mutant = "for value in values[1:]:"
sentence = "You leave out the first value."
"""


@pytest.mark.usefixtures("needs_bubblewrap")
@pytest.mark.parametrize("wrong", [{}, {"misconceptions.py": "", "misconceptions.toml": EDITS}])
def test_the_command(
    make_course: Callable[..., Course], tmp_path: Path, wrong: dict[str, str]
) -> None:
    course = make_course({"equivalents.toml": BOUNDARY, **wrong})
    options = ["--seeds", "2", "--workers", "1"]
    said = CliRunner().invoke(cli.app, ["--course", str(course.root), "audit", *options])
    assert said.exit_code == 0, said.output
    assert "tiny: blank 0 of 5" in said.output
    assert "4 versions graded" in " ".join(said.output.split())
    (numbers,) = json.loads((course.root / "reports" / "audit.json").read_text())
    assert numbers["problems"] == []
    assert not (course.root / "solutions" / "tiny" / "audit.json").exists()  # too few seeds
    assert "clamp" in (course.root / "reports" / "audit.html").read_text()


def test_an_edit_that_no_longer_fits_stops_the_audit(make_course: Callable[..., Course]) -> None:
    course = make_course({"misconceptions.toml": EDITS.replace("x < low", "x <= low")})
    with pytest.raises(CourseError, match="clamp__takes_the_smaller: its original lines stand"):
        audit(course)


def test_the_command_fails_where_a_demand_does(make_course: Callable[..., Course]) -> None:
    course = make_course({"misconceptions.py": WRONG, "alternatives.py": RIGHT})
    options = ["--seeds", "1", "--workers", "1", "--json", str(course.root / "a.json")]
    said = CliRunner().invoke(cli.app, ["--course", str(course.root), "audit", *options])
    assert said.exit_code == 1
    assert "1 mutant survives without a word why" in " ".join(said.output.split())
    assert (course.root / "a.json").is_file()


def test_a_run_that_is_stopped_keeps_what_it_did(make_course: Callable[..., Course]) -> None:
    slow = TEST_TOTAL.replace("assert total([]) == 0", "import time\ntime.sleep(0.5)")
    course = make_course(test_total=slow)
    program = [sys.executable, "-m", "grader", "--course", str(course.root), "audit"]
    running = subprocess.Popen([*program, "--workers", "1"], stderr=subprocess.PIPE, text=True)
    kept = course.state / "audit" / "tiny.jsonl"
    while not kept.is_file() or len(kept.read_text().splitlines()) < 3:
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate()
    assert running.returncode == 130
    assert "Stopped: what ran is kept. Run the same command to go on from there." in said
    assert "Traceback" not in said
    assert len(kept.read_text().splitlines()) < 60
