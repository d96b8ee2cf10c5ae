"""The audit's page and tables."""

from __future__ import annotations

import io

from bs4 import BeautifulSoup
from rich.console import Console

from grader.audit.result import Audit, StepAudit, Survivor
from grader.report.audit import audit_page, audit_table, cpu, percent


def sample() -> Audit:
    steps = [
        StepAudit("one", ["f", "g"], 3.0, 40, 38, 2, 5, 4, 3, 2, 1, 0.004, 2**21),
        StepAudit("two", [], 2.0, seconds=1.25, memory=2**30),
    ]
    audit = Audit("ps<1>", "nb", 5.0, steps, seeds=50, cuda="no GPU here", pipeline="3 versions")
    line = "if a < b & c:"
    audit.survivors = [
        Survivor("one", "f", "comparison", 3, line, "if a <= b & c:", "Never <equal>."),
        Survivor("one", "g", "dropped statement", 7, "for x in y:\n    f(x)", "pass"),
    ]
    audit.problems = ["1 mutant survives <b>.", "Another."]
    return audit


def test_the_page_says_all_and_runs_nothing() -> None:
    text = audit_page([sample()])
    page = BeautifulSoup(text, "html.parser")
    assert not page.find_all(["script", "link", "img", "iframe"])
    assert "2 points to put right" in page.get_text()
    assert [item.get_text() for item in page.select(".problems li")] == sample().problems
    first, second = page.select(".survivor")
    assert "Never <equal>." in first.get_text()
    assert [line.get_text() for line in first.select(".diff span")] == [
        "- if a < b & c:",
        "+ if a <= b & c:",
    ]
    assert "unexplained" in second.get_text()
    assert page.find("details").has_attr("open")
    assert "5.8%" in page.get_text()


def test_a_page_without_problems_says_so() -> None:
    audit = sample()
    audit.problems, audit.survivors = [], []
    page = BeautifulSoup(audit_page([audit]), "html.parser")
    assert "Fair and sharp" in page.get_text()
    assert page.find("details") is None


def test_the_terminal_shows_every_column_in_80_characters() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(audit_table([sample()]))
    shown = console.export_text()
    assert all(word in shown for word in ("Points", "Memory", "ps<1>/nb", "f, g", "38/40", "4 ms"))


def test_a_share_is_never_rounded_up_to_all() -> None:
    shares = [percent(share) for share in (1.0, 0.9999, 0.5, 0.0, None)]
    assert shares == ["100%", "99.9%", "50%", "0%", ""]
    assert [cpu(seconds) for seconds in (0.0004, 0.25, 2.0)] == ["0 ms", "250 ms", "2.0 s"]
