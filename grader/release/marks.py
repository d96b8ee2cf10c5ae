"""What markers in an instructor's cell say: what is hidden, where a test runs, what changes."""

from __future__ import annotations

import re
from collections.abc import Sequence

ANSWER_MARK = "### GRADER: ANSWER KERNEL"
"""The comment line by which an instructor sends a test cell to the answer kernel."""

CHANGES_MARK = "### GRADER: CHANGES"
"""What begins the comment line that says which values a solution cell changes in place."""

CANDIDATES_MARK = "GRADER: CANDIDATES"
"""What a line asks with for right and wrong functions, and what they are known by afterwards."""

_MARK = re.compile(r"^\s*#+\s*GRADER:\s*ANSWER KERNEL\s*$", re.MULTILINE | re.IGNORECASE)
_CHANGES = re.compile(r"^\s*#+\s*GRADER:\s*CHANGES\b([\w, \t]*)$", re.MULTILINE | re.IGNORECASE)
_CANDIDATES = re.compile(r"^([ \t]*)#+[ \t]*GRADER:[ \t]*CANDIDATES\b(.*)$", re.IGNORECASE)
_HIDDEN = (
    ("BEGIN HIDDEN TESTS", "END HIDDEN TESTS"),
    ("BEGIN MARK SCHEME", "END MARK SCHEME"),
)
"""nbgrader's own markers of what it takes out of a locked cell; it finds them inside a line."""


def is_marked(source: str) -> bool:
    """Whether a cell has the line `ANSWER_MARK`, however its letters and spaces are written."""
    return _MARK.search(source) is not None


def said_to_change(source: str) -> frozenset[str]:
    """Names that a cell's lines `CHANGES_MARK NAME, NAME` speak of."""
    return frozenset(" ".join(_CHANGES.findall(source)).replace(",", " ").split())


def candidates_wanted(source: str) -> list[tuple[int, str, str]]:
    """Lines that ask for candidates: number from 0, indentation, and what follows the mark."""
    found = [(number, _CANDIDATES.match(line)) for number, line in enumerate(source.split("\n"))]
    return [(number, match[1], match[2]) for number, match in found if match is not None]


def without_hidden(source: str) -> str:
    """A cell without its hidden tests and mark schemes, as a release shows it.

    A region that is never closed runs to the end.
    """
    for begin, end in _HIDDEN:
        if begin not in source:
            continue
        kept, inside = [], False
        for line in source.splitlines():
            if begin in line:
                inside = True
            elif end in line and inside:
                inside = False
            elif not inside:
                kept.append(line)
        source = "\n".join(kept).rstrip()
    return source


def with_usual_markers(source: str, regions: Sequence[tuple[str, str]]) -> str:
    """A cell whose hidden tests and mark schemes stand between nbgrader's own markers.

    Args:
        source: the cell as its instructor wrote it.
        regions: the course's markers of the same, in the order of `_HIDDEN`.
    """
    for chosen, usual in zip(regions, _HIDDEN, strict=True):
        for marker, known in zip(chosen, usual, strict=True):
            source = source.replace(marker, known)
    return source
