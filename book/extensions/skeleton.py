"""Lays down a new chapter and its assignment: `make chapter CHAPTER=rl/exploration`.

The chapter must be planned in book/parts.yml, which also has its title. What is laid down builds
and passes its tests as it is; then its author replaces it piece by piece. Nothing that exists is
touched but _toc.yml, which is made anew.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import toc

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = Path(__file__).with_name("skeleton")


def files(folder: str) -> dict[str, str]:
    """Where each template of a chapter and its assignment goes, below the repository's root."""
    slug = folder.split("/")[-1]
    chapter, assignment = f"book/{folder}", f"solutions/{slug}"
    return {
        "index.md": f"{chapter}/index.md",
        "figure.js": f"{chapter}/figure.js",
        "assignment.md": f"{assignment}/{slug}.md",
        "misconceptions.toml": f"{assignment}/misconceptions.toml",
        "alternatives.py": f"{assignment}/alternatives.py",
        "equivalents.toml": f"{assignment}/equivalents.toml",
    }


def lay_down(folder: str, root: Path = ROOT) -> list[Path]:
    """Write the files of a new chapter; returns them.

    Raises:
        ValueError: the chapter is not planned, or a file of it exists.
    """
    planned = toc.planned_chapters(toc.read_parts(root / "book" / "parts.yml"))
    if folder not in planned:
        part = folder.split("/")[0]
        near = [name for name in planned if name.startswith(f"{part}/")]
        known = ", ".join(near) if near else "names of the form PART/CHAPTER, as rl/exploration"
        raise ValueError(f"book/parts.yml lists no chapter {folder!r}; it has {known}")
    slug = folder.split("/")[1]
    words = {
        "@SLUG@": slug,
        "@TITLE@": planned[folder],
        "@LETTERS@": re.sub(r"[^a-z]", "", slug),
    }
    made = {root / target: TEMPLATES / f"{name}.in" for name, target in files(folder).items()}
    if there := [path.relative_to(root).as_posix() for path in made if path.exists()]:
        raise ValueError(f"{there[0]} exists already; nothing was written")
    for target, template in made.items():
        text = template.read_text(encoding="utf-8")
        for word, value in words.items():
            text = text.replace(word, value)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    contents = toc.contents(root / "book")
    (root / "_toc.yml").write_text(contents, encoding="utf-8")
    return list(made)


def main(arguments: list[str]) -> int:
    """Lay down the chapter that is named."""
    if len(arguments) != 1:
        sys.stderr.write("Name one chapter: make chapter CHAPTER=rl/exploration\n")
        return 1
    try:
        made = lay_down(arguments[0].strip("/"))
    except ValueError as error:
        sys.stderr.write(f"{error}.\n")
        return 1
    for path in made:
        sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")
    slug = arguments[0].strip("/").split("/")[1]
    sys.stdout.write(
        f"Next: .venv/bin/grader release {slug}, then make book; see docs/authors.md\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
