"""What stops an attack, and the grader without it.

An attack names its guard by edits of our own source. A control runs the same program from a copy
in which these edits are made, so that nothing in the grader can be switched off.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import grader

PACKAGE = Path(grader.__file__).parent
Edit = tuple[str, str, str]
"""A file of the package, a text that stands in it once, and what is written instead."""

AS_HANDED_IN: tuple[Edit, ...] = (
    (
        "intake/clean.py",
        "    return merged + [node for _, (_, node) in waiting]\n",
        "    return [node for _, node in sorted([*own, *placed], key=lambda each: each[0])]\n",
    ),
    (
        "split/plan.py",
        "    return [cell for _, cell in sorted(found, key=lambda each: each[0])]\n",
        "    return [cell for _, cell in found]\n",
    ),
    (
        "split/plan.py",
        "    names.reserved |= _of_instructor(outline, tested, names.reserved)\n",
        "",
    ),
)
"""Cells in the order in which they were handed in, and names the instructor's from there on."""
STUDENTS_TEXT: tuple[Edit, ...] = (
    ("split/plan.py", '"" if students else cell.source, students', "cell.source, students"),
)
"""What a student's cells bind decides what the test kernel runs."""
FILES_AS_CODE: tuple[Edit, ...] = (
    (
        "split/bridge/files.py",
        "    def _refuse(self, name: str) -> None:\n",
        "    def _refuse(self, name: str) -> None:\n        return\n",
    ),
)
"""Loaders do what a student's file says."""
FILES_EXCHANGED: tuple[Edit, ...] = (
    (
        "split/bridge/files.py",
        "            if os.path.lexists(path) and not self._is_left(name):\n",
        "            if False:\n",
    ),
)
"""A file of a cell or test is written over by a student's of the same name."""


def without(edits: Iterable[Edit], folder: Path) -> Path:
    """A copy of the package under `folder` with these edits made; the folder to import it from.

    Raises:
        LookupError: a text does not stand in its file just once: the guard has changed.
    """
    copy = folder / PACKAGE.name
    if not copy.exists():
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for name, old, new in dict.fromkeys(edits):
        path = copy / name
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise LookupError(f"{name} has no such guard, or two: {old!r}")
        path.write_text(text.replace(old, new), encoding="utf-8")
    return folder
