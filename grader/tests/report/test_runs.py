"""Figures and tables of what runs took."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import statistics
from dataclasses import fields

import pytest
from bs4 import BeautifulSoup
from rich.console import Console

from grader.farm import SubmissionRecord
from grader.report import RunRow, render_class, run_rows, write_rows
from grader.report.plots import run_plots
from grader.report.progress import GradingProgress, duration
from grader.split import NotebookResult, Outcome, TestResult
from grader.tests.report.samples import submission

START = 1_800_000_000.0
NAMES = ("test_step1", "test_$x$_<b>", "test_step3")


def _record(number: int, finished: float, **changes: object) -> SubmissionRecord:
    random.seed(number)
    tests = tuple(
        TestResult(name, Outcome.PASSED, duration=random.uniform(0.01, 0.1), cpu=0.01)
        for name in NAMES
    )
    result = NotebookResult(
        "nb",
        tests,
        (),
        {},
        wall=1.0 + number,
        kernel_start=0.1,
        peak_memory=100 * 2**20,
        cpu=0.5 + number,
        output_size=12,
    )
    values: dict[str, object] = {"finished": finished, "worker": "node1", **changes}
    return SubmissionRecord(f"s{number}", "ps1", "key", (result,), {}, {}, **values)


CLASS = [_record(number, START + 30 * number) for number in range(9)]


def test_figures_say_in_words_what_they_show() -> None:
    plots = {plot.title: plot for plot in run_plots(CLASS)}
    assert list(plots) == [
        "Wall time of a submission",
        "CPU time of a submission",
        "Peak memory of a submission",
        "The last run: submissions a minute",
        "Wall time of each test",
    ]
    median = statistics.median(record.results[0].wall for record in CLASS)
    assert f"median {median:.1f} s" in plots["Wall time of a submission"].alt
    assert "9 submissions" in plots["CPU time of a submission"].alt
    assert "100 MB" in plots["Peak memory of a submission"].alt
    assert "9 submissions in 4.0 minutes" in plots["The last run: submissions a minute"].alt
    assert all(name in plots["Wall time of each test"].alt for name in NAMES)


def test_axes_have_labels_with_units() -> None:
    labels = [
        {text.get_text().strip() for text in BeautifulSoup(plot.svg, "html.parser")("text")}
        for plot in run_plots(CLASS)
    ]
    for expected, found in zip(
        (
            {"Wall time (seconds)", "Submissions"},
            {"CPU time (seconds, user and system)", "Submissions"},
            {"Peak memory (MB)", "Submissions"},
            {"Time since the first submission was done (minutes)", "Submissions a minute"},
            {"Wall time (seconds); box: half of the class, whiskers: 5 to 95 %", *NAMES},
        ),
        labels,
        strict=True,
    ):
        assert expected <= found


def test_figures_take_their_colours_from_the_page_and_share_no_names() -> None:
    plots = run_plots(CLASS)
    text = "".join(plot.svg for plot in plots)
    assert not re.findall(r"(?:fill|stroke): #(?!000000)[0-9a-f]{6}", text)
    assert "<style" not in text
    assert "<metadata" not in text
    names = re.findall(r'\bid="([^"]+)"', text)
    assert len(names) == len(set(names))
    used = set(re.findall(r"(?:url\(|xlink:href=\")#([^\")]+)", text))
    assert used
    assert used <= set(names)


def test_only_the_last_run_is_on_the_time_line() -> None:
    earlier = [_record(number, START - 7200 + number) for number in range(5)]
    (line,) = [plot for plot in run_plots(earlier + CLASS) if "last run" in plot.title]
    assert "9 submissions in 4.0 minutes" in line.alt


@pytest.mark.parametrize(
    "records",
    [
        CLASS[:1],
        [_record(1, START), _record(2, START)],
        [_record(number, 0.0) for number in range(3)],
    ],
    ids=["one", "at once", "of an older grader"],
)
def test_small_and_old_classes_have_figures_too(records: list[SubmissionRecord]) -> None:
    assert len(run_plots(records)) >= 4


def test_nothing_that_ran_is_no_figure() -> None:
    empty = NotebookResult("nb", (TestResult("t", Outcome.NOT_RUN),), (), {})
    assert run_plots([]) == []
    assert run_plots([SubmissionRecord("a", "ps1", "k", (empty,), {}, {})]) == []
    assert run_plots([_record(1, START, fault="The machine is on fire.")]) == []


def test_the_page_shows_figures_where_they_are_asked_for() -> None:
    students = [submission()]
    assert "What the runs took" not in render_class("ps1", students)
    plots = run_plots(CLASS)
    page = BeautifulSoup(render_class("ps1", students, plots=plots), "html.parser")
    shown = page.select("figure div[role=img]")[-len(plots) :]
    assert [figure["aria-label"] for figure in shown] == [plot.alt for plot in plots]
    assert all(figure.find("svg")["aria-hidden"] == "true" for figure in shown)


def test_rows_say_what_each_notebook_and_each_test_took() -> None:
    rows = list(run_rows([CLASS[2]]))
    assert [row.test for row in rows] == ["", *NAMES]
    whole, *tests = rows
    assert (whole.student, whole.notebook, whole.worker) == ("s2", "nb", "node1")
    assert whole.finished == "2027-01-15T08:01:00Z"
    assert (whole.wall_s, whole.cpu_s, whole.cpu_percent) == (3.0, 2.5, 83.3)
    assert (whole.kernel_start_s, whole.peak_memory_bytes) == (0.1, 100 * 2**20)
    assert (whole.peak_gpu_memory_bytes, whole.output_bytes) == (0, 12)
    assert {row.outcome for row in tests} == {"passed"}
    assert all(row.peak_memory_bytes is None for row in tests)
    assert next(run_rows([_record(1, START, fault="x")])).outcome == "fault"
    assert next(run_rows([_record(1, 0.0)])).finished == ""


def test_rows_are_written_as_lines_and_as_a_table() -> None:
    rows = list(run_rows([*CLASS[:2], _record(3, START, worker="=node()")]))
    file = io.StringIO(newline="")
    assert write_rows(rows, file, lines=True) == len(rows)
    found = [json.loads(line) for line in file.getvalue().splitlines()]
    assert [RunRow(**entry) for entry in found] == rows
    file = io.StringIO(newline="")
    assert write_rows(rows, file, lines=False) == len(rows)
    table = list(csv.DictReader(io.StringIO(file.getvalue(), newline="")))
    assert list(table[0]) == [field.name for field in fields(RunRow)]
    assert [float(row["wall_s"]) for row in table] == [row.wall_s for row in rows]
    assert table[-1]["worker"] == "'=node()", "no spreadsheet runs it"


def _progress(terminal: bool) -> tuple[GradingProgress, list[float], io.StringIO]:
    clock = [0.0]
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=100, highlight=False)
    return GradingProgress(console, lambda: clock[0]), clock, file


def test_progress_says_what_is_done_running_failed_and_left() -> None:
    progress, clock, _ = _progress(terminal=True)
    with progress:
        progress.start(110, 10)
        for _number in range(10):
            progress.finished(fault=False)
        assert progress.sentence == "10 of 110 graded", "nothing is known of the rate yet"
        clock[0] = 50.0
        progress.workers_ready()
        progress.running(4)
        clock[0] = 60.0
        for number in range(20):
            progress.finished(fault=number == 0)
        expected = "30 of 110 graded, 4 running, 1 failed, 120 a minute, 40 s left"
        assert progress.sentence == expected


def test_a_log_gets_a_line_now_and_then() -> None:
    progress, clock, file = _progress(terminal=False)
    with progress:
        progress.start(100, 0)
        progress.workers_ready()
        for number in range(100):
            clock[0] += 2.0
            progress.running(2 if number < 98 else 1)
            progress.finished(fault=False)
    lines = file.getvalue().splitlines()
    assert lines == [
        "29 of 100 graded, 2 running, 29 a minute, 2 min left.",
        "59 of 100 graded, 2 running, 29.5 a minute, 83 s left.",
        "89 of 100 graded, 2 running, 29.7 a minute, 22 s left.",
    ]
    assert "\x1b" not in file.getvalue()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (5000, "83 min"), (12000, "3 h 20 min")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
