"""Untrusted bytes to a list of plain cells, or a sentence that says why not."""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import dataclass, field
from typing import Any

import nbformat

MAX_CELLS = 2000
_CELL_TYPES = ["code", "markdown", "raw"]
_IMAGES = ["image/png", "image/jpeg", "image/gif"]
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]+", re.ASCII)


class Unreadable(Exception):
    """The bytes are no notebook; the message is a sentence for the student."""


@dataclass(frozen=True)
class SubmittedCell:
    """What is kept of one submitted cell: everything else in its metadata is dropped.

    Attributes:
        cell_type: "code", "markdown" or "raw".
        source: its text.
        grade_id: the instructor cell that it claims to be, or "".
        attachments: images of a written answer, in base64, by name and then by type.
    """

    cell_type: str
    source: str
    grade_id: str
    attachments: dict[str, dict[str, str]] = field(default_factory=dict)


def parse_cells(raw: bytes) -> list[SubmittedCell]:
    """The cells of a notebook in any format since version 3.

    Raises:
        Unreadable: with a sentence for the student.
    """
    if not raw.strip():
        raise Unreadable("The file is empty.")
    try:
        data = json.loads(raw.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise Unreadable("The file is not a notebook: its text is not JSON.") from None
    except ValueError:  # an integer of more digits than Python will read
        raise Unreadable(
            "The file is not a notebook: it holds a number that is too long."
        ) from None
    if not isinstance(data, dict) or not isinstance(data.get("nbformat"), int):
        raise Unreadable("The file is JSON but not a notebook: it has no nbformat version.")
    cells = _cells(data)
    if len(cells) > MAX_CELLS:
        raise Unreadable(f"The notebook has {len(cells)} cells; {MAX_CELLS} is the most allowed.")
    return [_cell(cell) for cell in cells]


def _cells(data: dict[str, Any]) -> list[Any]:
    if data["nbformat"] < 4:
        data = _upgrade(data)
    cells = data.get("cells")
    if not isinstance(cells, list):
        raise Unreadable("The file is not a notebook: it has no list of cells.")
    return cells


def _upgrade(data: dict[str, Any]) -> dict[str, Any]:
    """Old formats through nbformat, which trusts its input, so any exception is the file's."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what the file lacks; what matters is checked
            upgraded: dict[str, Any] = nbformat.convert(nbformat.from_dict(data), 4)
    except Exception:
        raise Unreadable(
            "The notebook is in an old format which cannot be read: "
            "open it in Jupyter and save it again."
        ) from None
    return upgraded


def _cell(cell: Any) -> SubmittedCell:
    if not isinstance(cell, dict) or cell.get("cell_type") not in _CELL_TYPES:
        raise Unreadable("The file is not a notebook: one of its cells is malformed.")
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise Unreadable("The file is not a notebook: a cell's source is not text.")
    source = source.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be saved
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return SubmittedCell(
        cell["cell_type"],
        source,
        grade_id if isinstance(grade_id, str) else "",
        _images(cell.get("attachments")) if cell["cell_type"] == "markdown" else {},
    )


def _images(attachments: Any) -> dict[str, dict[str, str]]:
    """The images among the attachments of a cell; an answer by hand may be a photograph."""
    if not isinstance(attachments, dict):
        return {}
    found: dict[str, dict[str, str]] = {}
    for name, bundle in attachments.items():
        if isinstance(bundle, dict) and _is_text(name):
            images = {kind: bundle[kind] for kind in _IMAGES if _is_base64(bundle.get(kind))}
            found |= {name: images} if images else {}
    return found


def _is_text(name: str) -> bool:
    """Whether `name` can be saved: JSON may hold half a character, UTF-8 may not."""
    return name == name.encode("utf-8", "replace").decode("utf-8")


def _is_base64(data: Any) -> bool:
    return isinstance(data, str) and _BASE64.fullmatch(data) is not None
