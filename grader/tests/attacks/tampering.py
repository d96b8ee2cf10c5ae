"""Parts of a released notebook, for attacks that change it."""

from __future__ import annotations

from typing import Any

import nbformat


def tests(notebook: nbformat.NotebookNode) -> list[Any]:
    """The test cells."""
    return [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]


def answers(notebook: nbformat.NotebookNode) -> list[Any]:
    """The answer cells."""
    return [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]
