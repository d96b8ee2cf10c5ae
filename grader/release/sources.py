"""Text sources to notebooks: solutions/<assignment>/<assignment>.md to nbgrader's source folder.

Only the converted notebook and the assignment's data/ folder are copied, so that text sources,
catalogues of wrong answers and other instructor's files cannot reach a release.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import jupytext
import nbformat

from grader.errors import ReleaseError
from grader.release.candidates import expand_candidates
from grader.release.roles import expand_role

DATA_FOLDER = "data"
_KEPT_METADATA = ("kernelspec", "language_info")
_NO_ID = re.compile(r"[^A-Za-z0-9_-]")


def convert_sources(text: Path, destination: Path) -> Path:
    """Write `destination`/<name>.ipynb from the MyST file `text`, and copy its data/ folder.

    The destination is emptied first: what is no longer in the sources must not be released.

    Raises:
        ReleaseError: see `read_source`.
    """
    notebook = read_source(text)
    shutil.rmtree(destination, ignore_errors=True)
    destination.mkdir(parents=True)
    data = text.parent / DATA_FOLDER
    if data.is_dir():
        shutil.copytree(data, destination / DATA_FOLDER)
    target = destination / f"{text.stem}.ipynb"
    nbformat.write(notebook, target)
    return target


def read_source(path: Path) -> nbformat.NotebookNode:
    """The notebook that the text source `path` means, with candidates from its catalogues.

    Raises:
        ReleaseError: see `read_text` and `expand_candidates`.
        CourseError: a catalogue that candidates come from is malformed.
    """
    notebook = read_text(path)
    expand_candidates(notebook, path.parent, str(path))
    return notebook


def read_text(path: Path) -> nbformat.NotebookNode:
    """The notebook that the text source `path` means, as it stands.

    Raises:
        ReleaseError: the file is no UTF-8, or see `notebook_from_text`.
    """
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ReleaseError(f"{path} is not UTF-8: see the byte at {error.start}.") from None
    return notebook_from_text(content, str(path))


def notebook_from_text(text: str, origin: str) -> nbformat.NotebookNode:
    """The notebook that a MyST text means, with nbgrader's metadata and stable cell ids.

    Args:
        text: MyST Markdown with jupytext front matter.
        origin: where the text came from, for messages.

    Raises:
        ReleaseError: the text has no kernelspec, a cell's header or role is malformed, or two
            cells have the same grade_id.
    """
    try:
        notebook: nbformat.NotebookNode = jupytext.reads(text, fmt="md:myst")
        json.dumps(notebook)  # YAML knows dates, which a notebook cannot hold
    except Exception as error:  # YAML's errors, jupytext's own and what comes of odd types
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise ReleaseError(f"{origin} is no MyST notebook: {reason}.") from None
    if "kernelspec" not in notebook.metadata:
        raise ReleaseError(
            f"{origin} has no jupytext front matter with a kernelspec: copy the head of "
            "another assignment's source."
        )
    notebook.metadata = nbformat.from_dict(
        {key: notebook.metadata[key] for key in _KEPT_METADATA if key in notebook.metadata}
    )
    for position, cell in enumerate(notebook.cells):
        expand_role(cell, _place(cell, position, origin))
    check_names(notebook, origin)
    set_cell_ids(notebook)
    return notebook


def check_names(notebook: nbformat.NotebookNode, origin: str) -> None:
    """Refuse a notebook in which two cells have the same grade_id.

    Raises:
        ReleaseError: naming it.
    """
    seen: set[str] = set()
    for name in filter(None, map(grade_id_of, notebook.cells)):
        if name in seen:
            raise ReleaseError(f"Two cells of {origin} have the grade_id {name!r}: rename one.")
        seen.add(name)


def set_cell_ids(notebook: nbformat.NotebookNode) -> None:
    """Give every cell an id that stays the same from build to build.

    A cell with a grade_id is named after it, another after its place. Random ids would make each
    release differ from the last one without a change in its source.
    """
    names = [grade_id_of(cell) for cell in notebook.cells]
    taken: set[str] = set()
    for position, (cell, name) in enumerate(zip(notebook.cells, names, strict=True)):
        # 64 characters are the most that an id may have, and two names may begin alike
        wanted = _NO_ID.sub("-", name)[:64] or f"cell-{position}"
        if wanted in taken or (not name and wanted in names):
            wanted = f"{wanted[:48]}-at-{position}"
        taken.add(wanted)
        cell["id"] = wanted
    # the first minor version with ids
    notebook.nbformat, notebook.nbformat_minor = 4, 5


def grade_id_of(cell: Any) -> str:
    """nbgrader's name of a cell, or "" where it has none."""
    settings = cell.metadata.get("nbgrader")
    found = settings.get("grade_id") if isinstance(settings, dict) else None
    return found if isinstance(found, str) else ""


def _place(cell: Any, position: int, origin: str) -> str:
    """Where a cell is, for whoever has to find it: its number from 1 and how it begins."""
    first = next((line.strip() for line in cell.source.splitlines() if line.strip()), "")
    begins = f", which begins {first[:40]!r}," if first else ""
    return f"Cell {position + 1} of {origin}{begins}"
