"""What decides the outcome of a graded notebook, as far as the results of audits are kept.

Most of the grader carries notebooks to and fro, and changes every week without changing what a
test earns; tests of its own hold it to that. So results are not keyed by its sources but by a
number that a person raises.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grader
from grader.audit.pool import source_digest
from grader.course import Course

PROTOCOL = 1
"""Raise it when a change of `release`, `intake`, `sandbox`, `split` or `farm` is meant to make any
notebook earn other points, or to give a wrong answer another name: a type that crosses otherwise, a
cell that runs elsewhere, a limit with another meaning. Then every kept audit is made anew. Files
that decide by themselves are in `DECIDING`, the strict checks are in every notebook."""
DECIDING = tuple(
    Path(grader.__file__).parent / name
    for name in (
        "release/leaks.py",
        "split/bridge/asking.py",
        "split/bridge/diagnosing.py",
        "split/bridge/keeping.py",
        "split/bridge/recording.py",
    )
)
_SETTINGS = (
    *("parameters", "cell_timeout", "notebook_timeout", "memory", "output"),
    *("disk", "file_size", "open_files", "processes"),
)


def grading_digest() -> str:
    """Changes with the protocol, the files that decide by themselves, and the packages."""
    return f"{PROTOCOL} {source_digest(DECIDING)}"


def grading_settings(course: Course) -> dict[str, Any]:
    """What the course sets that decides what a test earns: its parameters and its limits."""
    return {name: getattr(course.settings, name) for name in _SETTINGS}
