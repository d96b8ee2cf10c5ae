"""Read every released byte for what only the instructor may see."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, ClearSolutions
from traitlets.config import Config

from grader.errors import LeakError, ReleaseError
from grader.release.marks import CANDIDATES_MARK, candidates_wanted
from grader.release.sources import check_names, grade_id_of

Regions = tuple[tuple[str, str], ...]
"""What opens and what closes each kind of secret region; nbgrader finds both inside a line."""

_SHORTEST = 24
"""Shorter secret lines, such as `return total`, say nothing and occur by chance."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def secret_regions(config: Config) -> Regions:
    """The markers that nbgrader goes by in a course with configuration `config`."""
    solution, tests = ClearSolutions(config=config), ClearHiddenTests(config=config)
    scheme = ClearMarkScheme(config=config)
    return (
        (solution.begin_solution_delimeter, solution.end_solution_delimeter),
        (tests.begin_test_delimeter, tests.end_test_delimeter),
        (scheme.begin_mark_scheme_delimeter, scheme.end_mark_scheme_delimeter),
    )


def check_sources(sources: Iterable[Path], regions: Regions) -> None:
    """Refuse sources whose markers do not pair up or are out of place, or with doubled grade_ids.

    nbgrader drops an END without a BEGIN silently, and releases what stands before it.

    Raises:
        ReleaseError: naming the first such cell.
    """
    for path in sources:
        notebook = _read(path)
        check_names(notebook, str(path))
        for number, cell in enumerate(notebook.cells):
            name = grade_id_of(cell) or f"number {number + 1}"
            if candidates_wanted(cell.source):
                raise ReleaseError(
                    f"In {path}, cell {name}: `{CANDIDATES_MARK}` means something in a text source "
                    "only, which has catalogues beside it."
                )
            try:
                _split(cell.source, regions)
            except ValueError as error:
                raise ReleaseError(f"In {path}, cell {name}: {error}.") from None


def check_leaks(sources: Iterable[Path], released: Iterable[Path], regions: Regions) -> None:
    """Refuse a release that holds a marker, or a line found only in secret regions.

    A line that also stands in the open part of the source (an import, say) is no secret.

    Raises:
        LeakError: naming the first file and line.
    """
    secret: set[str] = set()
    shown: list[str] = []
    for path in sources:
        for cell in _read(path).cells:
            open_lines, hidden = _split(cell.source, regions)
            shown += open_lines
            secret.update(line.strip() for line in hidden)
    text = "\n".join(shown)
    telling = [line for line in secret if len(line) >= _SHORTEST and line not in text]
    telling += [CANDIDATES_MARK, *(marker for pair in regions for marker in pair)]
    for path in released:
        for text in _texts(path):
            for line in telling:
                if line in text:
                    raise LeakError(
                        f"{path} would show students what they must not see: {line[:60]!r}; "
                        "it was removed: check the markers in the source, then release again."
                    )


def _split(source: str, regions: Regions) -> tuple[list[str], list[str]]:
    """Open and secret lines of a cell; raises ValueError where its markers do not pair up."""
    open_lines: list[str] = []
    secret: list[str] = []
    inside: tuple[str, str] | None = None
    for line in source.split("\n"):
        begins = next((region for region in regions if region[0] in line), None)
        ends = next((region for region in regions if region[1] in line), None)
        if begins is not None:
            if inside is not None:
                raise ValueError(f"{begins[0]!r} stands before {inside[0]!r} is closed")
            inside = begins
        elif ends is not None:
            if ends != inside:
                raise ValueError(f"{ends[1]!r} closes nothing; look for a misspelt {ends[0]!r}")
            inside = None
        else:
            (open_lines if inside is None else secret).append(line)
    if inside is not None:
        raise ValueError(f"{inside[0]!r} is never closed by {inside[1]!r}")
    return open_lines, secret


def _read(path: Path) -> Any:
    """A notebook of the source."""
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat trusts its input, so any exception is the file's
        reason = (str(error).splitlines() or [""])[0][:100].rstrip(".")
        raise ReleaseError(f"{path} cannot be read as a notebook: {reason}.") from None


def _texts(path: Path) -> Iterator[str]:
    """All that can be read in a released file: of a notebook, every string in it."""
    if path.suffix == ".ipynb":
        try:
            yield from (_COLOUR.sub("", text) for text in _strings(_read(path)))
        except ReleaseError:
            pass  # a data file that only has a notebook's name
        else:
            return
    yield path.read_text(encoding="utf-8", errors="replace")


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from _strings(child)
