"""The class report, the export and the terminal table."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re

import pytest
from bs4 import BeautifulSoup
from rich.console import Console

from grader.course import Course
from grader.report.classreport import render_class, why_a_person, write_class
from grader.report.export import export_csv, harmless
from grader.report.feedback_files import write_feedback
from grader.report.table import MANY, class_table, summary, worth_a_look
from grader.report.verdicts import OUTCOMES
from grader.split.outcomes import Diagnosis, Outcome
from grader.tests.report.samples import (
    active_parts,
    graded,
    notebook,
    scripts,
    submission,
    words,
)
from grader.tests.report.test_feedback import PAYLOADS


def work(student, *outcomes, **changes):
    cells = [
        graded(outcome, grade_id=f"test_step{n}", title=f"Step {n}: part {n}")
        for n, outcome in enumerate(outcomes, start=1)
    ]
    return submission(notebook(*cells), student=student, **changes)


CLASS = [
    work("ada", Outcome.PASSED, Outcome.PASSED),
    work("emmy", Outcome.PASSED, Outcome.FAILED),
    work("kurt", Outcome.TIMED_OUT, Outcome.NOT_RUN),
    work("sofia", Outcome.PASSED, Outcome.GRADER_FAULT),
]


def read_csv(submissions):
    file = io.StringIO(newline="")
    export_csv(submissions, file)
    file.seek(0)
    return list(csv.DictReader(file))


def in_terminal(submissions, width=100):
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(class_table(submissions))
    return console.file.getvalue()


def test_the_report_tells_scores_steps_and_people():
    page = render_class("planning", CLASS)
    text = words(page)
    for part in (
        "4 submissions, mean 4 of 8, median 4, 1 with all points, 1 needs a person.",
        "Step 1: part 1",
        "3 of 4",
        "1 of 3",
        "4 of 8: Step 2 failed its test.",
        "sofia : The grader failed in Step 2.",
    ):
        assert part in text
    for outcome in (Outcome.PASSED, Outcome.FAILED, Outcome.TIMED_OUT, Outcome.GRADER_FAULT):
        assert OUTCOMES[outcome].symbol in text


def test_the_report_is_whole_in_itself_and_its_script_is_the_allowed_one():
    page = render_class("planning", CLASS)
    soup = BeautifulSoup(page, "html.parser")
    assert len(soup.find_all("h1")) == 1
    assert "http:" not in page
    assert "https:" not in page
    [script] = scripts(page)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = soup.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert f"script-src 'sha256-{digest}';" in policy


def test_a_step_that_ran_in_the_answer_kernel_says_so():
    said = "a submission can see and fool this test"
    cell = graded(in_answer_kernel=True)
    assert said in render_class("planning", [submission(notebook(cell))])
    assert said not in render_class("planning", [submission(notebook(graded()))])


def test_the_histogram_counts_everyone_once():
    soup = BeautifulSoup(render_class("planning", CLASS), "html.parser")
    bars = [int(bar.text or 0) for bar in soup.find(class_="bars").find_all("div")]
    assert bars == [1, 0, 0, 0, 0, 2, 0, 0, 0, 1]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_field_can_put_anything_active_on_the_report(payload):
    cell = graded(Outcome.FAILED, title=payload, grade_id=payload, message=payload)
    book = notebook(cell, name=payload, problems=(payload,), ended_early=payload)
    hostile = submission(book, student=payload, assignment=payload, fault=payload)
    page = render_class(payload, [hostile, submission(book)])
    assert active_parts(page) == []
    assert scripts(page) == scripts(render_class("planning", []))


def test_students_without_a_step_and_classes_without_students():
    odd = submission(notebook(graded(Outcome.PASSED, grade_id="test_other", title="Other")))
    assert "not in it" in words(render_class("planning", [*CLASS, odd]))
    assert "No submissions." in words(render_class("planning", []))
    assert summary([]) == "No submissions."


def test_the_report_links_to_the_feedback_that_exists(tmp_path):
    course = Course(tmp_path)
    write_feedback(course, CLASS[0])
    path = write_class(course, "planning", CLASS)
    assert path == tmp_path / "reports" / "planning.html"
    links = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").find_all("a")
    assert [link["href"] for link in links] == ["../feedback/ada/planning/planning.html"]
    assert (path.parent / links[0]["href"]).resolve().is_file()
    elsewhere = write_class(course, "planning", CLASS, tmp_path / "site" / "deep")
    assert "../../feedback/ada" in elsewhere.read_text(encoding="utf-8")


def test_who_needs_a_person_and_why():
    manual = graded(None, kind="manual", title="Explain it", max_points=3.0)
    assert why_a_person(submission(notebook(manual))) == "To grade by hand, 3 points: Explain it."
    assert why_a_person(submission(fault="disk full")) == "The grader failed: disk full."
    assert why_a_person(submission(needs_manual=True)).startswith("Something in it")
    assert why_a_person(CLASS[0]) == ""


def test_csv_has_a_column_for_each_step():
    rows = read_csv(CLASS)
    assert rows[1] == {
        "assignment": "planning",
        "student": "emmy",
        "score": "4",
        "max_score": "8",
        "test_step1 points": "4",
        "test_step1 outcome": "passed",
        "test_step1 misconception": "",
        "test_step2 points": "0",
        "test_step2 outcome": "failed",
        "test_step2 misconception": "",
        "needs_manual": "no",
        "sentence": "4 of 8: Step 2 failed its test.",
    }
    assert rows[3]["test_step2 points"] == ""


def wrong(student, name, sentence, points=0.0):
    found = Diagnosis(name, sentence)
    second = graded(
        Outcome.FAILED, grade_id="t2", title="Step 2: b", points=points, diagnosis=found
    )
    return submission(notebook(graded(grade_id="t1", title="Step 1: a"), second), student=student)


def test_the_class_report_counts_misconceptions():
    some = [wrong(name, "f__halves", "You halve.") for name in ("ada", "emmy")]
    given_back = wrong("kurt", "f__doubles", "You double.", points=4.0)
    page = render_class(
        "planning", [wrong("sofia", "f__adds", "You add <b>1</b>."), *some, given_back]
    )
    rows = BeautifulSoup(page, "html.parser").select("table.misconceptions tbody tr")
    found = [[cell.get_text(" ", strip=True) for cell in row.find_all("td")] for row in rows]
    assert found == [
        ["Step 2: b", "You halve. f__halves", "50 %", "2"],
        ["Step 2: b", "You add <b>1</b>. f__adds", "25 %", "1"],
    ]
    assert "width: 50.0%" in str(rows[0])
    names = [row["t2 misconception"] for row in read_csv([*some, given_back])]
    assert names == ["f__halves", "f__halves", ""]
    assert "Misconceptions" not in words(render_class("planning", CLASS))


def test_csv_of_two_notebooks_keeps_their_steps_apart():
    both = submission(notebook(name="one"), notebook(graded(Outcome.FAILED), name="two"))
    [row] = read_csv([both])
    assert (row["one/test_step1 points"], row["two/test_step1 points"]) == ("4", "0")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " =", "\u200e=", "\uff1d"])
def test_csv_never_holds_a_formula(start):
    formula = f"{start}HYPERLINK(A1)"
    assert harmless(formula).startswith("'")
    book = notebook(graded(grade_id=formula), ended_early=formula)
    file = io.StringIO(newline="")
    export_csv([submission(book, student=formula, assignment=formula)], file)
    file.seek(0)
    for row in csv.reader(file):
        assert not any(cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d")) for cell in row)


@pytest.mark.parametrize("separator", [";", "; ", ';"', ";' ", "|"])
def test_no_formula_begins_behind_another_separator(separator):
    shown = harmless(f"who{separator}=HYPERLINK(A1){separator}+1")
    for cell in re.split(r"[;|]", shown):
        assert not cell.strip('" ').startswith(("=", "+"))
    assert harmless("a; b | c; 3 - 2 = 1") == "a; b | c; 3 - 2 = 1"


def test_the_table_fits_a_terminal():
    text = in_terminal([work("student-" * 20, Outcome.PASSED, Outcome.FAILED), *CLASS])
    assert all(len(line) <= 100 for line in text.splitlines())
    assert "4 / 8" in text
    assert "Step 2 failed its test." in text
    assert "needs a person" in summary(CLASS)


def test_a_large_class_is_shown_by_those_who_need_a_look():
    right = [work(f"r{n:05}", Outcome.PASSED, Outcome.FAILED) for n in range(10_000)]
    by_hand = submission(notebook(graded(None, kind="manual")), student="hand", needs_manual=True)
    mended = submission(notebook(problems=("The cell x was changed.",)), student="mended")
    early = submission(notebook(ended_early="It printed too much."), student="early")
    nothing = work("nothing", Outcome.FAILED, Outcome.TIMED_OUT)
    in_test = work("in_test", Outcome.PASSED, Outcome.GRADER_FAULT)
    failed = submission(student="failed", fault="no disk")
    odd = [mended, early, nothing, in_test, failed]
    shown, rest = worth_a_look([*right[:5000], *odd, *right[5000:]])
    assert [each.student for each in shown] == ["in_test", "failed", "nothing", "early", "mended"]
    assert rest.startswith("Rows: 5 of 10,005, for submissions that the grader failed in")
    assert "left out" not in rest
    assert len(in_terminal(shown).splitlines()) < 20
    assert worth_a_look([by_hand, *right[:MANY]])[0] == [], "nothing of it is graded yet"


def test_a_small_class_is_shown_whole_and_too_many_odd_ones_are_not():
    right = [work(f"r{n:03}", Outcome.PASSED) for n in range(MANY)]
    assert worth_a_look(right) == (right, "")
    blank = [work(f"b{n:03}", Outcome.FAILED) for n in range(MANY + 7)]
    shown, rest = worth_a_look([*right, *blank])
    assert shown == blank[:MANY]
    assert rest.startswith(f"Rows: {MANY} of {2 * MANY + 7}, ")
    assert rest.endswith(" 7 more such are left out.")


def test_untrusted_text_reaches_the_terminal_as_plain_text():
    cell = graded(Outcome.FAILED, message="[bold red]x[/] \x1b[2J\x1b]0;t\x07\x08\u202eevil[/nope]")
    text = in_terminal([submission(notebook(graded(), cell), student="[link=x]me\x1b[31m")])
    assert "[link=x]me" in text
    assert "[bold red]x[/]" in " ".join(text.split())
    assert not {"\x1b", "\x08", "\x07", "\u202e"} & set(text)
