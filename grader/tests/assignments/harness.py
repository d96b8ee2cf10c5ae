"""The assignments of this repository, as their text sources give them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from nbformat import NotebookNode

import grader
from grader.audit.variants import KINDS, Variant, load_catalogue
from grader.release.sources import notebook_from_text

SOLUTIONS = Path(grader.__file__).parents[1] / "solutions"
ASSIGNMENTS = sorted(path.name for path in SOLUTIONS.iterdir() if path.is_dir())


@cache
def reference(slug: str) -> NotebookNode:
    """The instructor's notebook, as its roles mean it."""
    path = SOLUTIONS / slug / f"{slug}.md"
    return notebook_from_text(path.read_text(encoding="utf-8"), str(path))


@cache
def catalogue(slug: str) -> tuple[Variant, ...]:
    """All misconceptions and alternatives of an assignment."""
    return tuple(v for name in KINDS for v in load_catalogue(SOLUTIONS / slug / name))
