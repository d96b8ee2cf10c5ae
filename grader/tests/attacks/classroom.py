"""One class of attackers, with honest students in between, graded as any class is."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import psutil
from nbconvert.exporters import HTMLExporter
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import Config

from grader.course import Course
from grader.farm import ResultStore
from grader.report import each_graded, write_class, write_feedback
from grader.scoring import read_scores
from grader.split import Outcome
from grader.tests.attacks.catalogue import Attack, hand_in, hand_in_honestly
from grader.tests.attacks.judge import Evidence, points_of, texts_in
from grader.tests.attacks.surroundings import (
    ENVIRONMENT,
    differences,
    fingerprint,
    left_behind,
    surroundings,
)
from grader.tests.attacks.target import (
    ANSWERS,
    ASSIGNMENT,
    HALF,
    HALF_POINTS,
    POINTS,
    WORDS,
    make_target,
)

HONEST = {
    "a-first": (HALF, HALF_POINTS),
    "k-between": (HALF, HALF_POINTS),
    "m-between": (ANSWERS, POINTS),
    "z-last": (HALF, HALF_POINTS),
}
"""Honest students by name: what they hand in and the points that it is worth."""

PATIENCE = 1500.0


@dataclass
class GradedClass:
    """What came of grading the class.

    Attributes:
        root: the course.
        returncode: of the grading program, None where it did not end in time.
        output: what it printed.
        scores: by student and grade_id.
        contacts: which attacks reached the listener.
        left: what outlived the run.
        changed: inputs of the course, and files in the home, that are not what they were.
    """

    root: Path
    returncode: int | None
    output: str
    scores: dict[str, dict[str, float | None]]
    contacts: list[str]
    left: list[str]
    changed: list[str] = field(default_factory=list)

    def evidence(self, attack: Attack) -> Evidence:
        """What is found after one of the attacks."""
        student = student_of(attack)
        store = ResultStore(Course(self.root), ASSIGNMENT)
        record = store.load(student)
        if record is None or student not in self.scores:
            return Evidence(None)
        outcomes = {test.outcome for result in record.results for test in result.tests}
        pages = self.pages(student)
        sign = f"-{attack.name}-"
        return Evidence(
            self.scores[student],
            record.fault or ("a test" if Outcome.GRADER_FAULT in outcomes else ""),
            [*texts_in(self.root / "autograded" / student), json.dumps(record.to_json())]
            + [page.read_text(encoding="utf-8") for page in pages],
            [page.read_text(encoding="utf-8") for page in pages],
            [heard for heard in self.contacts if heard == attack.name],
            [what for what in self.left if sign in what],
            [what for what in self.changed if student in what],
        )

    def pages(self, student: str) -> list[Path]:
        """The feedback pages of one student."""
        return sorted((self.root / "feedback" / student).rglob("*.html"))

    def in_formgrader(self, students: list[str], folder: Path) -> list[Path]:
        """What Formgrader shows an instructor of these students' work, as files."""
        found = []
        for student in students:
            for path in sorted((self.root / "autograded" / student).rglob("*.ipynb")):
                page = folder / f"{student}-{path.stem}.html"
                page.write_text(formgrader_page(nbformat.read(path, as_version=4)), "utf-8")
                found.append(page)
        return found


def formgrader_page(notebook: nbformat.NotebookNode) -> str:
    """A submission as Formgrader's handler has nbconvert draw it."""
    config = Config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    resources = {
        "assignment_id": ASSIGNMENT,
        "notebook_id": "numbers",
        "submission_id": "1",
        "index": 0,
        "total": 1,
        "base_url": "",
        "student": "",
        "notebook_path": "",
        "last_name": "",
        "first_name": "",
    }
    page: str = HTMLExporter(config=config).from_notebook_node(notebook, resources)[0]
    return page


def student_of(attack: Attack) -> str:
    """The name under which the attack is handed in; neighbours differ in category."""
    return f"{attack.name}"


def grade_class(root: Path, attacks: list[Attack]) -> GradedClass:
    """Hand everything in, grade it with the program itself, and write all reports."""
    make_target(root)
    home = root.parent / "home"
    log = root.parent / "grading.log"
    with surroundings(root, home) as (around, listener):
        for attack in attacks:
            hand_in(root, attack, student_of(attack), around)
        for student, (answers, _) in HONEST.items():
            hand_in_honestly(root, student, answers, WORDS["submission"])
        before = fingerprint(root, home)
        returncode = _grade(root, home, log)
        left = left_behind(around)
        changed = differences(before, fingerprint(root, home))
        contacts = list(listener.heard)
    _clear(left)
    course = Course(root)
    scores = {
        name: points_of(score.cells) for name, score in read_scores(course, ASSIGNMENT).items()
    }
    graded = list(each_graded(course, ASSIGNMENT))
    for submission in graded:
        write_feedback(course, submission)
    write_class(course, ASSIGNMENT, graded)
    text = log.read_text(encoding="utf-8", errors="replace")
    return GradedClass(root, returncode, text, scores, contacts, left, changed)


def _grade(root: Path, home: Path, log: Path) -> int | None:
    """`grader grade` in a session of its own, with secrets in its environment and its log."""
    command = [sys.executable, "-m", "grader", "--course", str(root), "grade", ASSIGNMENT]
    environment = {**os.environ, "HOME": str(home), **ENVIRONMENT}
    log.write_text(f"{WORDS['log']}\n", encoding="utf-8")
    with log.open("a", encoding="utf-8") as out:
        program = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=environment,
            cwd=root.parent,
            start_new_session=True,
        )
        try:
            return program.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if program.poll() is None:
                _end(program)


def _end(program: subprocess.Popen[bytes]) -> None:
    """The program and all that it started."""
    family = psutil.Process(program.pid).children(recursive=True)
    os.killpg(program.pid, signal.SIGKILL)
    for process in family:
        with suppress(psutil.Error):
            process.kill()
    program.wait()


def _clear(left: list[str]) -> None:
    """Remove what attacks left on this machine, so that it does not outlive the tests too."""
    for what in left:
        found = re.match(r"process (\d+): ", what)
        with suppress(OSError):
            if found:
                os.kill(int(found[1]), signal.SIGKILL)
            elif Path(what).is_file():
                Path(what).unlink()
