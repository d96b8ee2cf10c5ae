"""The record of an audit: when it holds, when it is stale, what is proven anew."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grader import cli
from grader.audit import protocol, record
from grader.audit.audit import SEEDS
from grader.audit.record import (
    chosen_again,
    contradiction,
    is_whole,
    keys_of,
    make_record,
    read_record,
    record_path,
    staleness,
    write_record,
)
from grader.audit.result import Audit, StepAudit, Survivor
from grader.course import Course
from grader.errors import CourseError
from grader.tests.courses import make_course as make_plain_course


def found(**changes: object) -> Audit:
    step = StepAudit("clamp", ["clamp"], 2.0, 10, 9, 1, 3, 3, 2, 3, 1, 0.5, 2**20)
    why = Survivor("clamp", "clamp", "comparison", 3, "x < low", "x <= low", "The same.")
    values = {"survivors": [why], "seeds": SEEDS, "mutated": True, "pipeline": "3 versions graded"}
    return Audit("tiny", "tiny", 2.0, [step], **(values | changes))  # type: ignore[arg-type]


def recorded(course: Course) -> Path:
    path = record_path(course, "tiny")
    assert path is not None
    write_record(path, make_record(keys_of(course, "tiny"), [found()]))
    return path


def grade(course: Course, *options: str) -> tuple[int, str]:
    said = CliRunner().invoke(cli.app, ["--course", str(course.root), "audit", *options])
    return said.exit_code, " ".join(said.output.split())


def test_a_record_has_exact_numbers_and_nothing_of_the_machine(
    make_course: Callable[..., Course],
) -> None:
    path = recorded(make_course())
    (numbers,) = read_record(path)["notebooks"]
    assert numbers == {
        "notebook": "tiny",
        "points": 2.0,
        "blank": 0.0,
        "seeds": SEEDS,
        "flakes": 0,
        "unnamed": [],
        "equivalent": 1,
        "steps": [
            {
                "name": "clamp",
                "functions": ["clamp"],
                "points": 2.0,
                "mutants": 10,
                "killed": 9,
                "misconceptions": 3,
                "detected": 3,
                "visible": 2,
                "diagnosed": 3,
                "alternatives": 1,
            }
        ],
    }
    slower = found()
    slower.steps[0].seconds, slower.steps[0].memory, slower.steps[0].killed_by_time = 9.0, 5, 4
    slower.cuda = "the same score"
    course = Course(path.parents[2])
    assert make_record(keys_of(course, "tiny"), [slower]) == read_record(path)
    assert staleness(course, "tiny") == ""
    slower.steps[0].diagnosed, slower.unnamed = 2, ["clamp__never"]
    assert contradiction(course, "tiny", [slower]) == "", "naming has a bound of time"
    slower.steps[0].detected = 2
    assert "other numbers" in contradiction(course, "tiny", [slower])


CHANGES = {
    "the notebook": lambda home: (home / "tiny.md").write_text(
        (home / "tiny.md").read_text().replace("result = 0", "result = 0 + 0")
    ),
    "a catalogue": lambda home: (home / "alternatives.py").write_text(""),
    "data": lambda home: (
        (home / "data").mkdir(),
        (home / "data" / "rows.csv").write_text("1"),
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_the_assignment_makes_it_stale(
    make_course: Callable[..., Course], what: str
) -> None:
    course = make_course()
    path = recorded(course)
    CHANGES[what](path.parent)
    said = staleness(course, "tiny")
    assert said == (
        "tiny: audit.json is stale, since the notebook, its data or a catalogue changed. Run "
        "`grader audit tiny` and commit it."
    )
    code, output = grade(course, "--check")
    assert code == 1
    assert said in output


def test_other_words_of_an_assignment_leave_it_in_step(
    make_course: Callable[..., Course],
) -> None:
    course = make_course()
    path = recorded(course)
    text = path.with_name("tiny.md")
    text.write_text(text.read_text() + "\nMore about sums, for those who read.\n")
    assert staleness(course, "tiny") == ""


def test_what_decides_besides_the_assignment_is_named(
    make_course: Callable[..., Course], monkeypatch: pytest.MonkeyPatch
) -> None:
    course = make_course()
    recorded(course)
    monkeypatch.setattr(record, "PROTOCOL", protocol.PROTOCOL + 1)
    assert "since how audits measure changed" in staleness(course, "tiny")
    monkeypatch.setattr(record, "imported_versions", lambda _source: {"numpy": "0"})
    said = staleness(course, "tiny")
    assert "since how audits measure and the version of a package changed" in said
    monkeypatch.undo()
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + "c.Grader.memory = 2**29\n")
    assert "since the course's settings changed" in staleness(Course(course.root), "tiny")
    config.write_text(config.read_text().replace("c.Grader.memory = 2**29", "c.Grader.workers = 3"))
    assert staleness(Course(course.root), "tiny") == ""


@pytest.mark.parametrize("text", ["", "[]", "{", '{"keys": 3, "notebooks": []}', '{"keys": {}}'])
def test_what_is_no_record_is_said_in_a_sentence(
    make_course: Callable[..., Course], text: str
) -> None:
    course = make_course()
    path = record_path(course, "tiny")
    assert path is not None
    with pytest.raises(CourseError, match=r"has no audit\.json: run `grader audit tiny`"):
        read_record(path)
    path.write_text(text)
    assert "is no record of an audit: run `grader audit tiny`" in staleness(course, "tiny")


@pytest.mark.parametrize(
    "changes",
    [
        {"seeds": SEEDS - 1},
        {"mutated": False},
        {"problems": ["One."]},
        {"pipeline": "not run: no bubblewrap here"},
    ],
)
def test_only_a_whole_audit_without_a_complaint_is_kept(changes: dict[str, object]) -> None:
    assert is_whole([found()], SEEDS)
    assert not is_whole([found(), found(**changes)], SEEDS)


def test_every_assignment_is_proven_anew_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"a{at}" for at in range(7)]
    seen = []
    for day in range(10):

        class Day(date):
            @classmethod
            def today(cls, day: int = day) -> date:
                return date(2030, 1, 1 + day)

        monkeypatch.setattr(record, "date", Day)
        today = chosen_again(names, 2, ["a3", "gone"])
        assert today[0] == "a3"
        assert len(set(today)) == 3
        assert chosen_again(names, 2, ["a3"]) == today
        seen += today
    assert set(seen) == set(names)
    assert sorted(chosen_again(names, 50)) == names
    assert chosen_again(names, 0, ["a1"]) == ["a1"]


@pytest.mark.timeout(900)  # several whole audits, on a machine that may be busy
@pytest.mark.usefixtures("needs_bubblewrap")
def test_the_command_keeps_checks_and_proves_anew(make_course: Callable[..., Course]) -> None:
    equivalents = (
        '[[equivalent]]\nfunction = "clamp"\noriginal = "if x < low:"\n'
        'mutant = "if x <= low:"\nreason = "At x = low both return the same."\n'
    )
    course = make_course({"equivalents.toml": equivalents})
    assert grade(course, "--check")[0] == 1
    code, said = grade(course, "--workers", "1")
    assert code == 0, said
    path = record_path(course, "tiny")
    assert path is not None
    assert f"Wrote {path}" in said
    kept = path.read_text()
    code, said = grade(course, "--check")
    assert (code, said) == (0, "The audits of 1 assignments are in step.")
    git(course.root, "init", "-q")
    git(course.root, "add", ".")
    git(course.root, "commit", "-q", "-m", "one")
    code, said = grade(course, "--again", "0", "--since", "HEAD")
    assert (code, "seeds" in said) == (0, False)
    wrong = json.loads(kept)
    wrong["notebooks"][0]["steps"][0]["killed"] += 1
    path.write_text(json.dumps(wrong))
    code, said = grade(course, "--again", "0", "--since", "HEAD", "--workers", "1")
    assert code == 1
    assert "tiny: a new audit finds other numbers than audit.json has." in said
    path.write_text(kept)
    code, said = grade(course, "--again", "1", "--since", "HEAD", "--workers", "1")
    assert code == 0
    assert "loses points with 0 of 50 seeds" in said
    assert path.read_text() == kept
    code, said = grade(course, "--again", "1", "--since", "no-such-commit")
    assert code == 1


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@localhost", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True)


def test_a_plain_course_has_no_records(tmp_path: Path) -> None:
    course = Course(make_plain_course(tmp_path / "plain"))
    assert record_path(course, "ps1") is None
    assert staleness(course, "ps1") == "ps1 has no text source, and so no audit.json."
