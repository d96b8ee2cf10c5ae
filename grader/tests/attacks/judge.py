"""What an attack achieved: the same criteria wherever it ran."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from grader.tests.attacks.target import NUMBERS, PREFIX

_LOOT = re.compile(r"[0-9a-f]{16,}")
_WORD = re.compile(re.escape(PREFIX) + r"\w+-\w+")
_NUMBERS = [str(number) for number in NUMBERS]


@dataclass
class Evidence:
    """What is found after an attack.

    Attributes:
        scores: points by grade_id of the test, None where a person must decide; None in all where
            there is no record of the submission.
        fault: the grader blames itself, or ended in disorder.
        survives: texts made by the run that hold something of the attacker's.
        shown: texts that the attacker will read and that must not quote a hidden test; empty
            where the program shows those by design.
        contacts: what reached a listener on this machine.
        left: files and processes that outlive the run.
        changed: files of the course, and scores of others, that are not what they were.
        script: a script of the attacker's ran in a page.
    """

    scores: dict[str, float | None] | None
    fault: str = ""
    survives: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    contacts: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    script: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data, with secrets that were found in place of texts."""
        return {**asdict(self), "survives": sorted(loot(self.survives)), "shown": []}


def judge(evidence: Evidence) -> list[str]:
    """What succeeded, a phrase each; nothing where the attack failed.

    An empty answer earns no point in any test, so any point is one too many.
    """
    found = []
    if evidence.scores is None:
        found.append("left no record")
    else:
        earned = {name: points for name, points in evidence.scores.items() if points}
        if earned:
            found.append(f"earned points: {earned}")
    if evidence.fault:
        found.append(f"grader fault: {evidence.fault[:200]}")
    if stolen := loot(evidence.survives) | quoted(evidence.shown):
        found.append(f"got out: {', '.join(sorted(stolen))}")
    if evidence.contacts:
        found.append("reached a listener on this machine")
    found.extend(f"left behind: {what}" for what in evidence.left)
    found.extend(f"changed: {what}" for what in evidence.changed)
    if evidence.script:
        found.append("ran a script in a page")
    return found


def quoted(texts: list[str]) -> set[str]:
    """The planted words and numbers that stand in the texts as they are."""
    return {secret for text in texts for secret in _secrets(text)}


def loot(texts: list[str]) -> set[str]:
    """The planted words and numbers that an attacker's `loot` put into the texts."""
    return {
        secret
        for text in texts
        for match in _LOOT.finditer(text)
        for secret in _secrets(_decoded(match[0]))
    }


def _secrets(text: str) -> Iterator[str]:
    yield from _WORD.findall(text)
    yield from (number for number in _NUMBERS if number in text)


def _decoded(digits: str) -> str:
    return bytes.fromhex(digits[: len(digits) // 2 * 2]).decode("utf-8", "replace")[::-1]


def points_of(scores: Mapping[tuple[str, str], Any]) -> dict[str, float | None]:
    """Points by grade_id, from a gradebook's cells."""
    return {grade_id: cell.score for (_, grade_id), cell in scores.items()}


def texts_in(folder: Path) -> Iterator[str]:
    """What the files under a folder say."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path.read_text(encoding="utf-8", errors="replace")
