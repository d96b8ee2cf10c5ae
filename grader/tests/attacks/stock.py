"""Runs one attack against stock nbgrader. Started inside a jail, never outside of one.

    python -m grader.tests.attacks.stock TEMPLATE ATTACK

TEMPLATE is a released course, and the last line of standard output the evidence as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from grader.course import Course
from grader.errors import GraderError
from grader.scoring import read_scores
from grader.tests.attacks.catalogue import (
    Attack,
    Surroundings,
    hand_in,
    hand_in_honestly,
    load_attacks,
)
from grader.tests.attacks.judge import Evidence, points_of, texts_in
from grader.tests.attacks.surroundings import (
    ENVIRONMENT,
    Listener,
    differences,
    fingerprint,
    left_behind,
    surroundings,
)
from grader.tests.attacks.target import ASSIGNMENT, HALF, HALF_POINTS, WORDS

ATTACKER, VICTIM = "a-attacker", "z-victim"
PATIENCE = 40.0
"""Seconds for nbgrader; the two submissions need about six."""
_LIMITS = {"RLIMIT_AS": 4 * 2**30, "RLIMIT_NPROC": 500, "RLIMIT_FSIZE": 2**26, "RLIMIT_CORE": 0}


def main() -> None:
    """Set limits, run, and say what is found."""
    for name, limit in _LIMITS.items():
        resource.setrlimit(getattr(resource, name), (limit, limit))
    template, name = sys.argv[1:]
    (attack,) = (found for found in load_attacks(every=True) if found.name == name)
    evidence, pages = run(attack, Path(template), Path.cwd() / "jail")
    print(json.dumps({**evidence.to_json(), "pages": pages}), flush=True)


def run(attack: Attack, template: Path, folder: Path) -> tuple[Evidence, list[str]]:
    """The evidence, and the feedback pages of an attack that aims at them."""
    course, home, log = folder / "course", folder / "home", folder / "nbgrader.log"
    shutil.copytree(template, course)
    with surroundings(course, home) as (around, listener):
        hand_in(course, attack, ATTACKER, around)
        hand_in_honestly(course, VICTIM, HALF, WORDS["submission"])
        before = fingerprint(course, home)
        log.write_text(f"{WORDS['log']}\n", encoding="utf-8")
        fault = _nbgrader("autograde", course, home, log)
        evidence = _evidence(around, before, fault, listener)
    pages: list[str] = []
    if attack.category == "HTML and script":
        _nbgrader("generate_feedback", course, home, log)
        found = sorted((course / "feedback" / ATTACKER).rglob("*.html"))
        pages = [path.read_text(encoding="utf-8", errors="replace") for path in found]
    if WORDS["log"] not in log.read_text(encoding="utf-8", errors="replace"):
        evidence.changed.append("the log of the run")
    return evidence, pages


def _nbgrader(command: str, course: Path, home: Path, log: Path) -> str:
    """Run it; what went wrong with the program as a whole, or ""."""
    environment = {**os.environ, "HOME": str(home), **ENVIRONMENT}
    with log.open("a", encoding="utf-8") as out:
        program = subprocess.Popen(
            [sys.executable, "-m", "nbgrader", command, ASSIGNMENT],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=course,
            env=environment,
        )
        try:
            code = program.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
            return f"nbgrader {command} did not end"
    return f"nbgrader {command} was killed" if code < 0 else ""


def _evidence(
    around: Surroundings, before: dict[str, str], fault: str, listener: Listener
) -> Evidence:
    course = around.course
    folder = course / "autograded"
    scores = {}
    with suppress(GraderError):
        scores = {
            name: points_of(score.cells)
            for name, score in read_scores(Course(course), ASSIGNMENT).items()
        }
    recorded = (folder / ATTACKER / ASSIGNMENT).is_dir() and ATTACKER in scores
    changed = [
        name
        for name in differences(before, fingerprint(course, around.home))
        if f"/{ATTACKER}/" not in name
    ]
    if scores.get(VICTIM) != HALF_POINTS:
        changed.append("the score of another student")
    return Evidence(
        scores[ATTACKER] if recorded else None,
        fault,
        list(texts_in(folder / ATTACKER)),
        [],
        list(listener.heard),
        left_behind(around),
        changed,
    )


if __name__ == "__main__":
    main()
