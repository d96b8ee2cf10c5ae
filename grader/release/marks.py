"""What markers in an instructor's cell say: which part is hidden, and where a test runs."""

from __future__ import annotations

import re

ANSWER_MARK = "### GRADER: ANSWER KERNEL"
"""The comment line by which an instructor sends a test cell to the answer kernel."""

_MARK = re.compile(r"^\s*#+\s*GRADER:\s*ANSWER KERNEL\s*$", re.MULTILINE | re.IGNORECASE)
# what nbgrader takes out of a locked cell; it too looks for the markers anywhere in a line
_HIDDEN = re.compile(
    r"^[^\n]*BEGIN (HIDDEN TESTS|MARK SCHEME).*?END \1[^\n]*$", re.MULTILINE | re.DOTALL
)


def is_marked(source: str) -> bool:
    """Whether a cell has the line `ANSWER_MARK`, however its letters and spaces are written."""
    return _MARK.search(source) is not None


def without_hidden(source: str) -> str:
    """A cell without its hidden tests and mark schemes, as a release shows it."""
    return _HIDDEN.sub("", source)
