"""A named pipe stands in the notebook's place, and whoever opens it waits for ever."""

import os
from pathlib import Path

CATEGORY = "notebook bombs"


def folder(path: Path, course: Path) -> None:
    """Replace the file."""
    (path / "numbers.ipynb").unlink()
    os.mkfifo(path / "numbers.ipynb")
