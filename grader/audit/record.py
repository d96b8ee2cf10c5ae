"""The result of an audit as a file beside the assignment, and whether it still holds.

`solutions/<assignment>/audit.json` has exact numbers only, none that a machine or its load decides,
and is keyed by the content of what decides them. So a stale one is known without running anything.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from grader.audit.pool import imported_versions
from grader.audit.protocol import DECIDING, PROTOCOL, grading_settings
from grader.audit.result import Audit
from grader.audit.subject import Subject, read_subjects
from grader.course import Course
from grader.errors import CourseError

NAME = "audit.json"
_MEASURING = (
    *("altered", "diagnosed", "measure", "mutants", "operators", "result", "runner", "shown"),
    *("subject", "variants", "worker"),
)
_STEP = (
    *("name", "functions", "points", "mutants", "killed", "misconceptions", "detected"),
    *("visible", "diagnosed", "alternatives"),
)
_WORDS = {
    "assignment": "the notebook, its data or a catalogue",
    "measuring": "how audits measure",
    "settings": "the course's settings",
    "versions": "the version of a package",
}


def record_path(course: Course, assignment: str) -> Path | None:
    """Where the record of an assignment is; None in a course without text sources."""
    return course.solutions / assignment / NAME if course.solutions is not None else None


def make_record(keys: dict[str, str], audits: Iterable[Audit]) -> dict[str, Any]:
    """What is kept of a whole audit without problems, as plain JSON data.

    Args:
        keys: as they were before the audit.
        audits: one for each notebook.
    """
    return {"keys": keys, "notebooks": [_numbers(audit) for audit in audits]}


def is_whole(audits: Sequence[Audit], seeds: int) -> bool:
    """Whether audits say all that a record has to say, and complain of nothing."""
    return all(
        audit.mutated and audit.seeds >= seeds and not audit.problems and audit.graded
        for audit in audits
    )


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write a record; its lines are stable, so that a change of it can be read."""
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_record(path: Path) -> dict[str, Any]:
    """The record of an assignment.

    Raises:
        CourseError: there is none, or it is no record.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record["keys"], dict) or not isinstance(record["notebooks"], list):
            raise TypeError
    except FileNotFoundError:
        raise CourseError(
            f"{path.parent.name} has no {NAME}: run `grader audit {path.parent.name}`, and commit "
            "it."
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise CourseError(
            f"{path} is no record of an audit: run `grader audit {path.parent.name}`, which writes "
            "it anew."
        ) from None
    return {"keys": record["keys"], "notebooks": record["notebooks"]}


def staleness(course: Course, assignment: str) -> str:
    """Why the record of an assignment no longer holds, in a sentence, or "". Runs nothing."""
    path = record_path(course, assignment)
    if path is None:
        return f"{assignment} has no text source, and so no {NAME}."
    try:
        kept = read_record(path)["keys"]
    except CourseError as error:
        return str(error)
    now = keys_of(course, assignment)
    changed = [words for key, words in _WORDS.items() if kept.get(key) != now[key]]
    if not changed:
        return ""
    return (
        f"{assignment}: {NAME} is stale, since {' and '.join(changed)} changed. Run `grader audit "
        f"{assignment}` and commit it."
    )


def contradiction(course: Course, assignment: str, audits: Sequence[Audit]) -> str:
    """Whether the record of an assignment and a new audit differ in what both must find, or "".

    Which misconceptions are called by name is not among that: a machine with much to do may not
    come to the end of it in the time that a diagnosis has. An audit demands enough of them anyway.
    """
    path = record_path(course, assignment)
    kept = [] if path is None else read_record(path)["notebooks"]
    now = json.loads(json.dumps([_numbers(audit) for audit in audits]))
    if [*map(_without_names, kept)] == [*map(_without_names, now)]:
        return ""
    return (
        f"{assignment}: a new audit finds other numbers than {NAME} has. Run `grader audit "
        f"{assignment}`, and look at what git says has changed in it."
    )


def keys_of(course: Course, assignment: str) -> dict[str, str]:
    """Digests of everything that decides the result of an audit, by what it is.

    Not among it are the pages of a book, whose leaks every new audit looks for, nor the rooms of
    the grader that only carry notebooks to and fro: `PROTOCOL` stands for what they mean.
    """
    found = read_subjects(course, assignment)
    sources = [*(Path(__file__).with_name(f"{name}.py") for name in _MEASURING), *DECIDING]
    versions: dict[str, str] = {}
    for subject in found:
        for cell in subject.notebook.cells:
            versions |= imported_versions(cell.source) if cell.cell_type == "code" else {}
    return {
        "assignment": _digest([_content(subject) for subject in found]),
        "measuring": _digest([PROTOCOL, *(path.read_text("utf-8") for path in sources)]),
        "settings": _digest(grading_settings(course)),
        "versions": _digest(versions),
    }


def chosen_again(names: Sequence[str], others: int, first: Iterable[str] = ()) -> list[str]:
    """The assignments to prove anew today: `first`, and `others` of the rest, day by day others."""
    must = [name for name in names if name in set(first)]
    rest = [name for name in names if name not in must]
    start = date.today().toordinal() * others
    turned = [rest[(start + at) % len(rest)] for at in range(min(others, len(rest)))]
    return [*must, *turned]


def changed_since(course: Course, names: Iterable[str], revision: str) -> list[str]:
    """Assignments whose record differs from that of a revision in git; none where git says naught.

    Args:
        course: in a repository of git.
        names: of assignments.
        revision: such as "HEAD~1" or "origin/main".
    """
    paths = {name: record_path(course, name) for name in names}
    command = ["git", "-C", str(course.root), "diff", "--name-only", "--relative", revision, "--"]
    try:
        run = subprocess.run(
            [*command, *(str(path) for path in paths.values() if path is not None)],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        raise CourseError(
            f"git cannot say what has changed since {revision!r}: name a commit that is here."
        ) from None
    said = {(course.root / line).resolve() for line in run.stdout.splitlines()}
    return [name for name, path in paths.items() if path is not None and path.resolve() in said]


def _numbers(audit: Audit) -> dict[str, Any]:
    """What every machine finds, but for the names; see `contradiction`."""
    return {
        "notebook": audit.notebook,
        "points": audit.points,
        "blank": audit.blank,
        "seeds": audit.seeds,
        "flakes": audit.flakes,
        "unnamed": sorted(audit.unnamed),
        "equivalent": sum(bool(survivor.reason) for survivor in audit.survivors),
        "steps": [{key: getattr(step, key) for key in _STEP} for step in audit.steps],
    }


def _without_names(numbers: dict[str, Any]) -> dict[str, Any]:
    steps = [
        {key: value for key, value in step.items() if key != "diagnosed"}
        for step in numbers.get("steps", [])
    ]
    return {**numbers, "steps": steps, "unnamed": None}


def _content(subject: Subject) -> list[Any]:
    cells = [
        [cell.cell_type, cell.metadata.get("nbgrader"), cell.metadata.get("tags"), cell.source]
        for cell in subject.notebook.cells
        if cell.cell_type == "code"
    ]
    variants = [[v.kind, v.function, v.name, v.source] for v in subject.variants]
    equivalents = [[e.function, e.original, e.mutant] for e in subject.equivalents]
    return [subject.name, cells, variants, equivalents, subject.data_digest, subject.regions]


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
