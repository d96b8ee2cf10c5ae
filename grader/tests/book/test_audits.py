"""The table of audits on the instructors' page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import audits
from bs4 import BeautifulSoup

from .small import SmallBook

STEP: dict[str, Any] = {
    "name": "one",
    "functions": ["f"],
    "points": 3.0,
    "mutants": 40,
    "killed": 38,
    "misconceptions": 5,
    "detected": 5,
    "visible": 3,
    "diagnosed": 4,
    "alternatives": 1,
}
NOTEBOOK: dict[str, Any] = {
    "notebook": "sums",
    "points": 5.0,
    "blank": 0.0,
    "seeds": 50,
    "flakes": 0,
    "unnamed": [],
    "equivalent": 2,
    "steps": [STEP, STEP | {"name": "two", "points": 2.0, "mutants": 10, "killed": 10}],
}
NUMBERS = ["sums", "5", "2", "10 of 10", "6", "8", "50", "96%", "2", "5.8%"]


def rows(book: SmallBook) -> list[list[str]]:
    page = BeautifulSoup(book.page("index"), "html.parser")
    lines = page.select("table.audits tbody tr")
    return [[cell.get_text(strip=True) for cell in line.find_all("td")] for line in lines]


def test_the_table_is_made_of_the_records_and_follows_them(tmp_path: Path) -> None:
    book = SmallBook(tmp_path, {"index.md": "# Audits\n\n```{audits}\n```\n"}, "audits")
    for name in ("sums", "later"):
        home = book.source / "solutions" / name
        home.mkdir(parents=True)
        (home / f"{name}.md").write_text("---\norphan: true\n---\n# A source\n")
        (home / "notes.md").write_text("---\norphan: true\n---\n# No assignment\n")
    record = book.source / "solutions" / "sums" / "audit.json"
    record.write_text(json.dumps({"keys": {}, "notebooks": [NOTEBOOK]}))
    assert book.build() == ""
    assert rows(book) == [["later", *([""] * 9)], NUMBERS]
    record.write_text(json.dumps({"keys": {}, "notebooks": [NOTEBOOK | {"points": 7.0}]}))
    book.build()
    assert rows(book)[1][1] == "7"


def test_a_notebook_of_another_name_says_so_and_no_share_is_rounded_up() -> None:
    step = STEP | {"mutants": 10_000, "killed": 9_999}
    found = audits.row("sums", NOTEBOOK | {"notebook": "part", "steps": [step], "flakes": 1})
    assert found[0] == "sums/part"
    assert found[7] == "99.9%"
    assert found[9] == "9.1%"
    assert audits.share(5, 5) == "100%"
