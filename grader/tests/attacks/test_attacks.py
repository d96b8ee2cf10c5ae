"""Every attack against the real pipeline: none may succeed, and nobody else may notice."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest

from grader.course import Course
from grader.farm import ResultStore
from grader.tests.attacks.browser import pages_that_run_scripts
from grader.tests.attacks.catalogue import CATEGORIES, Attack, load_attacks
from grader.tests.attacks.classroom import (
    HONEST,
    GradedClass,
    formgrader_page,
    grade_class,
    student_of,
)
from grader.tests.attacks.judge import judge, loot, quoted
from grader.tests.attacks.memory import NOTHING_FOUND
from grader.tests.attacks.target import ASSIGNMENT, WORDS

ATTACKS = load_attacks()
pytestmark = [pytest.mark.usefixtures("needs_bubblewrap"), pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory, needs_bubblewrap: None) -> GradedClass:
    """The whole class, graded once."""
    return grade_class(tmp_path_factory.mktemp("attacked") / "course", ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_the_attack_fails(graded: GradedClass, attack: Attack) -> None:
    assert judge(graded.evidence(attack)) == [], attack.success


@pytest.mark.parametrize("name", ["memory-from-cell", "memory-from-call"])
def test_the_answer_kernels_memory_holds_no_secret(graded: GradedClass, name: str) -> None:
    """Whether these attacks did look is in their output; that they find what is there, in stock."""
    record = ResultStore(Course(graded.root), ASSIGNMENT).load(name)
    assert record is not None
    printed = [
        "".join(output.get("text", ""))
        for result in record.results
        for cell in result.executed["cells"]
        for output in cell.get("outputs", ())
    ]
    assert any(NOTHING_FOUND in text for text in printed)


@pytest.mark.parametrize("student", HONEST)
def test_honest_students_get_what_they_earned(graded: GradedClass, student: str) -> None:
    _, expected = HONEST[student]
    assert graded.scores[student] == expected
    record = ResultStore(Course(graded.root), ASSIGNMENT).load(student)
    assert record is not None
    assert not record.fault


def test_the_run_ends_in_order(graded: GradedClass) -> None:
    assert graded.returncode == 0, graded.output[-2000:]
    assert WORDS["log"] in graded.output
    assert "Traceback" not in graded.output
    assert "\x1b" not in graded.output


def test_nothing_is_changed_and_nothing_is_left(graded: GradedClass) -> None:
    assert graded.changed == []
    assert graded.left == []
    assert graded.contacts == []


def test_the_class_report_holds_no_secret(graded: GradedClass) -> None:
    pages = [p.read_text(encoding="utf-8") for p in graded.root.glob("feedback/*report*/**/*.html")]
    pages += [p.read_text(encoding="utf-8") for p in graded.root.glob("*report*/**/*.html")]
    assert pages
    assert loot(pages) | quoted(pages) == set()


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's package chromium")
def test_no_script_runs_in_a_page(graded: GradedClass, tmp_path: Path) -> None:
    attackers = [student_of(attack) for attack in ATTACKS if attack.category == "HTML and script"]
    pages = [page for student in attackers for page in graded.pages(student)]
    assert len(pages) >= len(attackers)
    pages += graded.in_formgrader(attackers, tmp_path)
    assert pages_that_run_scripts(pages) == []


# nbconvert says so of widgets, which nothing made inert has
@pytest.mark.filterwarnings("ignore:Your element with mimetype:UserWarning")
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's package chromium")
def test_what_was_recorded_would_run_scripts(graded: GradedClass, tmp_path: Path) -> None:
    """The control: as they were handed in and ran, these notebooks act in Formgrader."""
    pages = []
    for attack in ATTACKS:
        if attack.category == "HTML and script":
            record = ResultStore(Course(graded.root), ASSIGNMENT).load(student_of(attack))
            assert record is not None
            executed = next(r.executed for r in record.results if r.notebook == attack.notebook)
            page = tmp_path / f"{attack.name}.html"
            page.write_text(formgrader_page(nbformat.from_dict(executed)), encoding="utf-8")
            pages.append(page)
    acting = {page.stem for page in pages_that_run_scripts(pages)}
    assert {"html-output", "links-in-markdown", "outputs-that-act", "script-in-markdown"} <= acting


def test_the_suite_is_what_it_says() -> None:
    assert len(ATTACKS) >= 60
    assert {attack.category for attack in ATTACKS} == set(CATEGORIES)
    for attack in load_attacks(every=True):
        for source in (*attack.cells.values(), *(source for _, source in attack.extra)):
            compile(source.replace("@PORT@", "1"), attack.name, "exec")
        assert attack.success.endswith("."), attack.name
        assert attack.cells or attack.extra or attack.tamper or attack.folder, attack.name
