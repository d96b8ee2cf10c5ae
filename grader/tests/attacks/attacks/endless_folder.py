"""The submission's folder holds links in circles and a tree that is deeper than a path may be."""

import os
from pathlib import Path

CATEGORY = "notebook bombs"
LONG = True


def folder(path: Path, course: Path) -> None:
    """Links to itself, names that are no text, a deep tree."""
    (path / "circle").symlink_to(path)
    (path / "device").symlink_to("/dev/zero")
    Path(os.fsdecode(os.fsencode(path) + b"/\xff\xfe.py")).write_text("")
    here = os.open(path, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d" * 100, dir_fd=here)
        deeper = os.open("d" * 100, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
