"""A link among the submitted files leads to the instructor's notebook."""

from pathlib import Path

CATEGORY = "files"
LONG = True
CELLS = {
    "constant": """
import os

for name in ("link.txt", "folder/numbers.ipynb"):
    if os.path.exists(name):
        with open(name) as file:
            loot(file.read())
"""
}


def folder(path: Path, course: Path) -> None:
    """One link to a file and one to a folder."""
    (path / "link.txt").symlink_to(course / "source" / "target" / "numbers.ipynb")
    (path / "folder").symlink_to(course / "source" / "target")
