"""What a student reads, and what no student may read."""

from __future__ import annotations

import os

import pytest
from bs4 import BeautifulSoup
from nbgrader.exchange.default.release_feedback import ExchangeReleaseFeedback
from traitlets.config import Config

from grader.course import Course
from grader.errors import StorageError
from grader.report.feedback import WITHHELD, render_feedback
from grader.report.feedback_files import write_feedback
from grader.report.verdicts import OUTCOMES
from grader.split.outcomes import Diagnosis, Outcome
from grader.tests.report.samples import (
    SECRET,
    TEST,
    VISIBLE,
    active_parts,
    checked_cell,
    code_cell,
    display,
    executed,
    failure,
    graded,
    markdown_cell,
    notebook,
    scripts,
    stream,
    submission,
    words,
)

TRACE = {
    "output_type": "error",
    "ename": "AssertionError",
    "evalue": "no",
    "traceback": [f"\x1b[31m----> 4 {SECRET}\x1b[39m"],
}
PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "</title></style></pre><iframe src=//evil.example>",
    "{{ 7 * 7 }}{% raw %}",
    "[a](javascript:alert(1)) ![b](https://evil.example/p.png)",
    "<a href='https://evil.example'>x</a><form action=//evil.example><input></form>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "\x1b]8;;https://evil.example\x07link\x1b]8;;\x07\x1b[31m<b onclick=x>\x1b[0m",
]


def page_of(book, *, show_messages=True, **changes):
    return render_feedback(submission(book, **changes), book, show_messages=show_messages)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_field_can_put_anything_active_on_the_page(payload):
    odd = {"nbgrader": payload, "tags": payload, payload: payload, "collapsed": payload}
    cells = executed(
        {"cell_type": "code", "metadata": odd, "source": payload, "outputs": payload},
        {**markdown_cell(payload), "attachments": {payload: {"image/png": payload}}},
        {"cell_type": "raw", "source": payload, "metadata": {}},
        code_cell(payload, payload, [stream(payload), display(text_html=payload)]),
        code_cell("", "a", [display(image_png=payload), display(image_svg__xml=payload)]),
        code_cell("", "b", [display(text_plain=payload), display(application_javascript=payload)]),
        code_cell("", "c", [{"output_type": "error", "traceback": [payload], "ename": payload}]),
        checked_cell(payload, [stream(payload)]),
    )
    cell = graded(Outcome.FAILED, title=payload, message=payload, comment=payload, source=payload)
    other = graded(Outcome.FAILED, grade_id=payload, title="", kind="manual", message=payload)
    book = notebook(
        *(cell, other),
        executed=cells,
        name=payload,
        problems=(payload,),
        failures=(failure(grade_id=payload, message=payload),),
        ended_early=payload,
    )
    page = page_of(book, student=payload, assignment=payload, timestamp=payload)
    assert active_parts(page) == []
    assert scripts(page) == []
    assert "\x1b" not in page


def test_the_page_is_whole_in_itself_and_well_formed():
    page = page_of(notebook())
    soup = BeautifulSoup(page, "html.parser")
    assert len(soup.find_all("h1")) == 1
    policy = soup.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    assert "http:" not in page
    assert "https:" not in page
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    assert all(tag["href"][1:] in ids for tag in soup.find_all("a"))


def test_headings_of_a_notebook_stay_below_those_of_the_page():
    page = page_of(notebook(executed=executed(markdown_cell("# One\n\n## Two\n\n<h1>three</h1>"))))
    soup = BeautifulSoup(page, "html.parser")
    assert [tag.text for tag in soup.find_all("h1")] == ["Feedback on planning"]
    assert "One" in [tag.text for tag in soup.find_all("h3")]


@pytest.mark.parametrize("outcome", list(Outcome))
def test_each_outcome_is_told_in_its_words(outcome):
    text = words(page_of(notebook(graded(outcome))))
    assert OUTCOMES[outcome].word in text
    assert OUTCOMES[outcome].meaning in text


def test_a_hidden_region_is_never_shown():
    cells = executed(code_cell("x = 1", "step1"), checked_cell(outputs=[stream("seen"), TRACE]))
    for source in (VISIBLE, TEST):
        page = page_of(notebook(graded(Outcome.FAILED, source=source), executed=cells))
        text = words(page)
        assert "planted_reference" not in page
        assert "V[0] == 4" not in text
        assert "HIDDEN TESTS" not in page
        assert "seen" not in text
        assert "V . shape" in text


def test_a_fully_hidden_test_is_only_named():
    hidden = graded(Outcome.FAILED, hidden=True, source=TEST)
    text = words(page_of(notebook(hidden)))
    assert "Hidden test" in text
    assert "V.shape" not in text


def test_a_checked_cell_that_the_gradebook_does_not_know_shows_nothing():
    stray = code_cell(TEST, "test_other", [TRACE], grade=True, locked=True)
    text = words(page_of(notebook(executed=executed(stray))))
    assert "Hidden test" in text
    assert "assert" not in text
    assert "planted" not in text


def test_an_open_hidden_region_runs_to_the_end_of_the_cell():
    cell = code_cell(f"y = 1\n### BEGIN HIDDEN TESTS\n{SECRET}", "step1")
    text = words(page_of(notebook(executed=executed(cell))))
    assert "y = 1" in text
    assert "planted" not in text


@pytest.mark.parametrize(
    "output",
    [
        stream(f"In: {SECRET}"),
        stream(repr([f"a\n{SECRET}\n"])),
        stream(SECRET.replace(" ", "  ")),
        stream("".join(f"\x1b[3{n % 8}m{letter}" for n, letter in enumerate(SECRET))),
        TRACE,
        display(text_plain=SECRET),
        display(text_html=f"<pre>{SECRET.replace('(', '<b>(</b>')}</pre>"),
    ],
)
def test_an_output_that_quotes_a_hidden_test_is_cut(output):
    cells = executed(code_cell("print(In)", outputs=[output]), checked_cell())
    page = page_of(notebook(executed=cells))
    text = words(page)
    assert "planted" not in text.replace(" ", "")
    assert "Output cut: it quotes a hidden test." in text


def test_a_message_that_quotes_a_hidden_test_is_withheld():
    cell = graded(Outcome.ERRORED, message=f"SyntaxError: {SECRET}")
    book = notebook(cell, failures=(failure(message=SECRET),))
    page = page_of(book)
    assert "planted" not in page
    assert WITHHELD in words(page)


def test_the_mark_scheme_is_for_the_person_who_grades():
    task = markdown_cell("Explain.\n### BEGIN MARK SCHEME\nhalf for luck\n### END MARK SCHEME")
    text = words(page_of(notebook(executed=executed(task))))
    assert "Explain." in text
    assert "luck" not in text


def test_messages_are_shown_only_where_the_course_shows_them():
    book = notebook(graded(Outcome.FAILED, message="take the maximum\nover actions" + "!" * 900))
    shown = words(page_of(book))
    assert "take the maximum over actions" in shown
    assert "!" * 300 not in shown
    assert "maximum" not in page_of(book, show_messages=False)


def test_tests_speak_and_the_grader_speaks():
    failed = words(page_of(notebook(graded(Outcome.FAILED, message="too small"))))
    assert "The test says too small" in failed
    slow = words(page_of(notebook(graded(Outcome.TIMED_OUT, message="It ran for 30 s."))))
    assert "What happened It ran for 30 s." in slow
    assert "too late" not in page_of(notebook(graded(Outcome.NOT_RUN, message="too late")))


def test_a_fault_of_ours_is_not_told_to_students():
    page = page_of(notebook(graded(Outcome.GRADER_FAULT)), fault="no space on /srv/grader")
    assert "/srv" not in page
    assert "no fault of yours" in words(page)


def test_comments_points_problems_and_failures_are_told():
    manual = graded(None, kind="manual", points=2.5, title="Explain", comment="Good.\nGo on.")
    book = notebook(
        graded(Outcome.PASSED),
        manual,
        problems=("a test cell was put back",),
        failures=(failure(),),
    )
    text = words(page_of(book, late_penalty=1.0))
    for part in (
        "6.5 of 8 points",
        "2.5 / 4",
        "Good. Go on.",
        "A test cell was put back.",
        "NameError: name 'x' is not defined",
        "1 point taken off the assignment for lateness: 5.5 of 8 count.",
    ):
        assert part in text


def test_provided_cells_are_folded_and_answers_are_not():
    cells = executed(
        code_cell("import numpy", "setup", locked=True), code_cell("answer = 1", "step1")
    )
    soup = BeautifulSoup(page_of(notebook(executed=cells)), "html.parser")
    assert "numpy" in soup.find("details", class_="provided").text
    assert "answer" in soup.find("div", class_="answer").text


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"cells": None},
        {"cells": [None, 3, "x", [], {}]},
        {"cells": [{"cell_type": ["code"], "source": {"a": 1}, "metadata": [], "outputs": {}}]},
        {"cells": [{"cell_type": "code", "source": ["a", 3], "outputs": [1, {"data": 4}]}]},
        {"cells": [{"cell_type": "code", "source": "\ud800", "outputs": [stream("\udfff")]}]},
        {"cells": [markdown_cell("![a](attachment:b)", attachments={"b": {"image/png": [1]}})]},
    ],
)
def test_a_malformed_notebook_still_gives_a_page(content):
    page = page_of(notebook(executed=content))
    assert "Feedback on planning" in page
    page.encode("utf-8")


def test_feedback_lies_where_nbgrader_looks(tmp_path):
    handed_in = tmp_path / "submitted" / "hopper" / "planning"
    handed_in.mkdir(parents=True)
    (handed_in / "timestamp.txt").write_text("2024-05-02 14:03:11 UTC")
    secret = tmp_path / "ours.txt"
    secret.write_text("ours")
    (handed_in / "submission_secret.txt").symlink_to(secret)
    pages = write_feedback(Course(tmp_path), submission())
    folder = tmp_path / "feedback" / "hopper" / "planning"
    assert pages == [folder / "planning.html"]
    assert sorted(path.name for path in folder.iterdir()) == ["planning.html", "timestamp.txt"]
    assert pages[0].stat().st_mode & 0o777 == 0o644


# nbgrader 0.9.6 leaves timestamp.txt open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_nbgrader_releases_the_pages(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text("")
    handed_in = tmp_path / "submitted" / "hopper" / "planning"
    handed_in.mkdir(parents=True)
    (handed_in / "timestamp.txt").write_text("2024-05-02 14:03:11 UTC")
    (handed_in / "submission_secret.txt").write_text("secret")
    course = Course(tmp_path)
    [page] = write_feedback(course, submission())
    course.directory.course_id = "demo"
    course.directory.assignment_id = "planning"
    exchange = tmp_path / "exchange"
    exchange.mkdir()
    exchange.chmod(0o777)
    settings = Config(Exchange={"root": str(exchange)})
    ExchangeReleaseFeedback(coursedir=course.directory, config=settings).start()
    [released] = (exchange / "demo" / "feedback").glob("*.html")
    assert released.read_bytes() == page.read_bytes()


def test_the_course_decides_about_messages(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.Grader.show_messages = False")
    work = submission(notebook(graded(Outcome.FAILED, message="look at gamma")))
    page = write_feedback(Course(tmp_path), work)[0]
    assert "gamma" not in page.read_text(encoding="utf-8")


def test_a_name_that_leaves_the_folder_is_refused(tmp_path):
    course = Course(tmp_path)
    for work in (submission(student="../../x"), submission(notebook(name="../../x"))):
        with pytest.raises(StorageError, match="name"):
            write_feedback(course, work)
    assert list(tmp_path.rglob("*.html")) == []


def test_a_full_disk_leaves_the_old_page_and_says_so(tmp_path, monkeypatch):
    course = Course(tmp_path)
    page = write_feedback(course, submission())[0]
    before = page.read_text(encoding="utf-8")

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StorageError, match="No space left on device"):
        write_feedback(course, submission(notebook(graded(Outcome.FAILED))))
    assert page.read_text(encoding="utf-8") == before
    assert [path.name for path in page.parent.iterdir()] == ["planning.html"]


@pytest.mark.parametrize("show_messages", [True, False])
def test_the_sentence_of_a_misconception_stands_in_its_step(show_messages):
    found = Diagnosis("f__halves", "You halve <i>x</i>.")
    page = page_of(notebook(graded(Outcome.FAILED, diagnosis=found)), show_messages=show_messages)
    step = BeautifulSoup(page, "html.parser").select_one("li.step")
    said = step.select_one("p.said").get_text(" ", strip=True)
    assert said == "What your results look like You halve <i>x</i>."
    assert "f__halves" not in page
    given_back = graded(Outcome.FAILED, diagnosis=found, points=4.0)
    assert "You halve" not in page_of(notebook(given_back))
