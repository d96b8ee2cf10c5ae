"""The assignments of this repository, as their text sources give them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from nbformat import NotebookNode

import grader
from grader.audit.variants import asked
from grader.release.catalogue import Variant, load_variants
from grader.release.sources import read_source

SOLUTIONS = Path(grader.__file__).parents[1] / "solutions"
ASSIGNMENTS = sorted(path.name for path in SOLUTIONS.iterdir() if path.is_dir())


@cache
def reference(slug: str) -> NotebookNode:
    """The instructor's notebook, as its roles mean it."""
    return read_source(SOLUTIONS / slug / f"{slug}.md")


@cache
def catalogue(slug: str) -> tuple[Variant, ...]:
    """All misconceptions and alternatives of what an assignment's students write."""
    return asked(reference(slug), load_variants(SOLUTIONS / slug, reference(slug)))
