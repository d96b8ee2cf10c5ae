"""What markers in an instructor's cell say: what is hidden, where a test runs, what changes."""

from __future__ import annotations

import re

ANSWER_MARK = "### GRADER: ANSWER KERNEL"
"""The comment line by which an instructor sends a test cell to the answer kernel."""

CHANGES_MARK = "### GRADER: CHANGES"
"""What begins the comment line that says which values a solution cell changes in place."""

_MARK = re.compile(r"^\s*#+\s*GRADER:\s*ANSWER KERNEL\s*$", re.MULTILINE | re.IGNORECASE)
_CHANGES = re.compile(r"^\s*#+\s*GRADER:\s*CHANGES\b([\w, \t]*)$", re.MULTILINE | re.IGNORECASE)
# what nbgrader takes out of a locked cell; it too looks for the markers anywhere in a line
_HIDDEN = re.compile(
    r"^[^\n]*BEGIN (HIDDEN TESTS|MARK SCHEME).*?END \1[^\n]*$", re.MULTILINE | re.DOTALL
)


def is_marked(source: str) -> bool:
    """Whether a cell has the line `ANSWER_MARK`, however its letters and spaces are written."""
    return _MARK.search(source) is not None


def said_to_change(source: str) -> frozenset[str]:
    """Names that a cell's lines `CHANGES_MARK NAME, NAME` speak of."""
    return frozenset(" ".join(_CHANGES.findall(source)).replace(",", " ").split())


def without_hidden(source: str) -> str:
    """A cell without its hidden tests and mark schemes, as a release shows it."""
    return _HIDDEN.sub("", source)
