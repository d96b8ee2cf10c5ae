"""Text sources to notebooks: solutions/<assignment>/<assignment>.md to nbgrader's source folder.

Only the converted notebook and the assignment's data/ folder are copied, so that text sources,
catalogues of wrong answers and other instructor's files cannot reach a release.
"""

from __future__ import annotations

import inspect
import shutil
from pathlib import Path
from typing import Any

import jupytext
import nbformat

from grader import checking
from grader.errors import ReleaseError

DATA_FOLDER = "data"
_KEPT_METADATA = ("kernelspec", "language_info")


def convert_sources(text: Path, destination: Path) -> Path:
    """Write `destination`/<name>.ipynb from the MyST file `text`, and copy its data/ folder.

    The destination is emptied first: what is no longer in the sources must not be released.

    Raises:
        ReleaseError: the text is no MyST notebook, or two cells have the same grade_id.
    """
    notebook = notebook_from_text(text.read_text(encoding="utf-8"), str(text))
    shutil.rmtree(destination, ignore_errors=True)
    destination.mkdir(parents=True)
    data = text.parent / DATA_FOLDER
    if data.is_dir():
        shutil.copytree(data, destination / DATA_FOLDER)
    target = destination / f"{text.stem}.ipynb"
    nbformat.write(notebook, target)
    return target


def notebook_from_text(text: str, origin: str) -> nbformat.NotebookNode:
    """The notebook that a MyST text means, with included checkers and stable cell ids.

    Args:
        text: MyST Markdown with jupytext front matter.
        origin: where the text came from, for messages.

    Raises:
        ReleaseError: the text has no kernelspec, or two cells have the same grade_id.
    """
    notebook: nbformat.NotebookNode = jupytext.reads(text, fmt="md:myst")
    if "kernelspec" not in notebook.metadata:
        raise ReleaseError(
            f"{origin} has no jupytext front matter with a kernelspec: copy the head of "
            "another assignment's source."
        )
    notebook.metadata = nbformat.from_dict(
        {key: notebook.metadata[key] for key in _KEPT_METADATA if key in notebook.metadata}
    )
    for cell in notebook.cells:
        _include_checker(cell)
    set_cell_ids(notebook, origin)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def set_cell_ids(notebook: nbformat.NotebookNode, origin: str) -> None:
    """Give every cell an id that stays the same from build to build.

    A cell with a grade_id is named after it, another after its place. Random ids would make each
    release differ from the last one without a change in its source.

    Raises:
        ReleaseError: two cells have the same grade_id.
    """
    seen: set[str] = set()
    for position, cell in enumerate(notebook.cells):
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in seen:
            raise ReleaseError(f"Two cells of {origin} have the grade_id {grade_id!r}: rename one.")
        if grade_id:
            seen.add(grade_id)
        name = grade_id or f"cell-{position}"
        cell["id"] = "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:64]


def _include_checker(cell: Any) -> None:
    """Replace the body of a cell marked `grader: {include: checking}` by the strict checker.

    The released notebook then needs nothing but NumPy, on Colab too, and checks in the same words
    as the grader.
    """
    wanted = cell.metadata.pop("grader", {}).get("include")
    if wanted is None:
        return
    if wanted != "checking":
        raise ReleaseError(f"A cell asks to include {wanted!r}; only 'checking' can be included.")
    cell.source = inspect.getsource(checking).strip()
