"""Read every released byte for what only the instructor may see."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat

from grader.errors import LeakError

_REGION = re.compile(
    r"#{3}\s*BEGIN (SOLUTION|HIDDEN TESTS|MARK SCHEME)(.*?)#{3}\s*END \1", re.DOTALL
)
_MARKER = re.compile(r"#{3}\s*(?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS|MARK SCHEME)")
_SHORTEST = 24
"""Shorter secret lines, such as `return total`, say nothing and occur by chance."""


def check_leaks(sources: Iterable[Path], released: Iterable[Path]) -> None:
    """Refuse a release that holds a marker, or a line found only in secret regions.

    A line that also stands in the open part of the source (an import, say) is no secret.

    Raises:
        LeakError: naming the first file and line.
    """
    secret: set[str] = set()
    open_lines: set[str] = set()
    for path in sources:
        for text in _cell_sources(path):
            hidden = "\n".join(match[2] for match in _REGION.finditer(text))
            secret.update(_lines(hidden))
            open_lines.update(_lines(_REGION.sub("", text)))
    secret = {line for line in secret - open_lines if len(line) >= _SHORTEST}
    for path in released:
        texts = _cell_sources(path) if path.suffix == ".ipynb" else _plain(path)
        for text in texts:
            _check_text(text, secret, path)


def _check_text(text: str, secret: set[str], path: Path) -> None:
    for line in _lines(text):
        if _MARKER.search(line) or line in secret:
            raise LeakError(
                f"{path} would show students what they must not see: {line[:60]!r}; "
                "check the markers in the source, then release again."
            )


def _cell_sources(path: Path) -> Iterator[str]:
    """Sources of all cells and the text of their outputs."""
    for cell in nbformat.read(path, as_version=4).cells:
        yield cell.source
        for output in cell.get("outputs", []):
            yield output.get("text", "")
            yield from (str(value) for value in output.get("data", {}).values())


def _plain(path: Path) -> Iterator[str]:
    yield path.read_text(encoding="utf-8", errors="replace")


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.splitlines() if line.strip())
