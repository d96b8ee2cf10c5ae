"""Chapters as notebooks that need nothing but the libraries which they import.

The site offers each chapter as executed. The branch that publish.py makes holds the same notebooks
without outputs, because Colab and nbgitpuller open what lies on a branch.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
from chapters import imported, kit_modules, modules_of, read
from nbformat import NotebookNode
from plaintext import plain_cells
from planned import plain_names

KIT_CELL = """\
# @title Helpers of the book: run this cell first
# They are the files of book/kit, so that this notebook runs alone. You need not read them.
import sys
import types

SOURCES = {{
{sources}}}
for name, source in SOURCES.items():
    sys.modules[name] = types.ModuleType(name)
    exec(compile(source, f"{{name}}.py", "exec"), sys.modules[name].__dict__)
"""


def in_order(names: set[str]) -> list[str]:
    """Kit modules, each after those that it imports."""
    kit, ordered = kit_modules(), list[str]()

    def add(name: str) -> None:
        tree = ast.parse(kit[name].read_text(encoding="utf-8"))
        for needed in sorted(imported(ast.walk(tree)) & set(kit) - {name}):
            add(needed)
        if name not in ordered:
            ordered.append(name)

    for name in sorted(names):
        add(name)
    return ordered


def literal(source: str) -> str:
    """Python source as a literal that can still be read."""
    if "'''" in source or source.endswith(("'", "\\")):
        return repr(source)
    return f"r'''{source}'''"


def with_kit(notebook: NotebookNode) -> NotebookNode:
    """The notebook with a folded cell, before its first code, that makes the kit importable.

    A reader opens a chapter in Colab or in an empty folder, where book/kit does not exist.
    """
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    used = in_order(modules_of(code)[0])
    if not used:
        return notebook
    texts = {name: kit_modules()[name].read_text(encoding="utf-8") for name in used}
    sources = "".join(f'    "{name}": {literal(text)},\n' for name, text in texts.items())
    folded = {"jupyter": {"source_hidden": True}, "cellView": "form"}
    cell = nbformat.v4.new_code_cell(KIT_CELL.format(sources=sources), metadata=folded)
    cell.id = "kit"
    first = next(i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    notebook.cells.insert(first, cell)
    return notebook


def stand_alone(notebook: NotebookNode, assignment: str, bibliography: Path) -> NotebookNode:
    """A chapter for a reader without this repository: helpers inside, plain Markdown."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            opened = rf"\g<0> {assignment}"
            text = plain_names(cell.source)
            cell.source = re.sub(r"^`{3,}\{assignment\}$", opened, text, flags=re.MULTILINE)
    notebook.metadata = NotebookNode(
        kernelspec={k: v for k, v in notebook.metadata["kernelspec"].items() if k != "key"},
        language_info=notebook.metadata.get("language_info", {"name": "python"}),
    )
    return with_kit(plain_cells(notebook, bibliography))


def without_outputs(page: Path, bibliography: Path) -> str:
    """The text of a chapter's published notebook."""
    source = read(page)
    notebook = stand_alone(source, str(source.metadata.get("assignment", "")), bibliography)
    for i, cell in enumerate(notebook.cells):
        if cell.id != "kit":
            cell.id = f"cell-{i}"
    return nbformat.writes(notebook) + "\n"
