"""Writes _toc.yml from book/parts.yml and from which chapters exist.

parts.yml holds the order of all chapters, planned ones too; Jupyter Book wants to be told those
that have a page. `make book` runs this first. `--check` writes nothing, and says whether it would.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

BOOK = Path(__file__).resolve().parents[1]
PARTS = BOOK / "parts.yml"
TOC = BOOK.parent / "_toc.yml"
REST = {
    "Using the course": ["students", "instructors"],
    "Reference": ["notation", "glossary", "ledger", "bibliography"],
}
HEAD = """\
# Made by book/extensions/toc.py from book/parts.yml and the chapters that exist; `make book` and
# `make chapter` make it anew. After a conflict, make it anew instead of mending it.
format: jb-book
root: book/index
defaults:
  titlesonly: true
parts:
"""


def read_parts(path: Path = PARTS) -> list[dict[str, Any]]:
    """The parts of the book in order, as parts.yml has them."""
    parts: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return parts


def planned_chapters(parts: list[dict[str, Any]]) -> dict[str, str]:
    """Title of each chapter, written or not, by its folder below book/, in reading order."""
    return {
        f"{part['folder']}/{slug}": title
        for part in parts
        for slug, title in part["chapters"].items()
    }


def unlisted(book: Path, parts: list[dict[str, Any]]) -> list[str]:
    """Folders of chapters that parts.yml does not know."""
    known = planned_chapters(parts)
    found = (page.parent.relative_to(book).as_posix() for page in book.glob("*/*/index.md"))
    return sorted(folder for folder in found if folder not in known)


def contents(book: Path = BOOK) -> str:
    """The text of _toc.yml.

    Raises:
        ValueError: a chapter exists that parts.yml does not know.
    """
    parts = read_parts(book / "parts.yml")
    if missing := unlisted(book, parts):
        raise ValueError(f"book/parts.yml does not list {', '.join(missing)}; add it there")
    text = HEAD
    for part in parts:
        pages = [
            f"book/{part['folder']}/{slug}/index"
            for slug in part["chapters"]
            if (book / part["folder"] / slug / "index.md").exists()
        ]
        if pages:
            text += f"  - caption: {part['title']}\n    numbered: true\n    chapters:\n"
            text += "".join(f"      - file: {page}\n" for page in pages)
    for caption, names in REST.items():
        text += f"  - caption: {caption}\n    chapters:\n"
        text += "".join(f"      - file: book/{name}\n" for name in names)
    return text


def main(arguments: list[str]) -> int:
    """Write _toc.yml, or check it."""
    try:
        text = contents()
    except ValueError as error:
        sys.stderr.write(f"{error}.\n")
        return 1
    if TOC.exists() and TOC.read_text(encoding="utf-8") == text:
        return 0
    if "--check" in arguments:
        sys.stderr.write("_toc.yml is stale; run: .venv/bin/python book/extensions/toc.py\n")
        return 1
    TOC.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
