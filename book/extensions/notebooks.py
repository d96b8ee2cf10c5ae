"""Chapters as notebooks that need nothing but the libraries which they import.

The site offers each chapter as executed. book/notebooks/ holds the same notebooks without outputs,
committed, because Colab and nbgitpuller open what lies in the repository. `python
book/extensions/notebooks.py` writes them again; a test compares them with the chapters.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode
from plaintext import plain_cells

BOOK = Path(__file__).resolve().parents[1]
KIT = BOOK / "kit"
FOLDER = BOOK / "notebooks"
WITH_JUPYTER = {"IPython"}  # comes with any notebook


def kit_modules() -> dict[str, Path]:
    """Modules that a chapter's code may import, by name."""
    return {path.stem: path for path in sorted(KIT.glob("*.py"))}


@cache
def distributions() -> dict[str, list[str]]:
    """Names of the installed packages that provide a module."""
    return {name: list(found) for name, found in metadata.packages_distributions().items()}


def requirements(cells: Iterable[str]) -> list[str]:
    """What to install with pip so that these code cells can import what they do."""
    modules: set[str] = set()
    waiting = list(cells)
    kit = kit_modules()
    while waiting:
        for node in ast.walk(ast.parse(waiting.pop())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names.append(node.module)
            new = {name.split(".")[0] for name in names} - modules
            modules |= new
            waiting += [kit[name].read_text(encoding="utf-8") for name in new & set(kit)]
    outside = modules - set(sys.stdlib_module_names) - set(kit) - WITH_JUPYTER
    return sorted(distributions().get(name, [name])[0] for name in outside)


def without_kit_imports(source: str, modules: dict[str, Path]) -> tuple[str, list[str]]:
    """Code without its lines `from <kit module> import ...`, and the modules that they name."""
    if not any(name in source for name in modules):
        return source, []
    lines, found = source.splitlines(), []
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.ImportFrom) and node.module in modules:
            found.append(node.module)
            del lines[node.lineno - 1 : node.end_lineno]
    return "\n".join(lines).strip("\n") if found else source, found


def with_kit(notebook: NotebookNode) -> NotebookNode:
    """The notebook with each `from <kit module> import ...` replaced by the module's source.

    A reader opens a chapter in Colab or in an empty folder, where book/kit does not exist. What a
    module imports from the kit comes before it.
    """
    modules = kit_modules()
    sources: dict[str, str] = {}

    def need(names: list[str]) -> None:
        for name in sorted(set(names) - set(sources)):
            source, inner = without_kit_imports(modules[name].read_text(encoding="utf-8"), modules)
            need(inner)
            sources[name] = source

    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source, names = without_kit_imports(cell.source, modules)
            need(names)
    for name, source in reversed(sources.items()):
        cell = nbformat.v4.new_code_cell(source, metadata={"jupyter": {"source_hidden": True}})
        cell.id = f"kit-{name}"
        notebook.cells.insert(0, cell)
    return notebook


def stand_alone(notebook: NotebookNode) -> NotebookNode:
    """A chapter for a reader without this repository: helpers inside, plain Markdown."""
    return with_kit(plain_cells(notebook, BOOK / "references.bib"))


def without_outputs(chapter: Path) -> str:
    """The text of a chapter's committed notebook."""
    notebook = stand_alone(jupytext.read(chapter))
    kernel = notebook.metadata["kernelspec"]
    notebook.metadata = NotebookNode(kernelspec=kernel, language_info={"name": "python"})
    for i, cell in enumerate(notebook.cells):
        if not cell.id.startswith("kit-"):
            cell.id = f"cell-{i}"
    return nbformat.writes(notebook) + "\n"


def chapters() -> list[Path]:
    """Sources of all chapters."""
    return sorted(BOOK.glob("*/*/index.md"))


def main() -> None:
    """Write book/notebooks/."""
    FOLDER.mkdir(exist_ok=True)
    wanted = {f"{chapter.parent.name}.ipynb": chapter for chapter in chapters()}
    for old in FOLDER.glob("*.ipynb"):
        if old.name not in wanted:
            old.unlink()
    for name, chapter in wanted.items():
        (FOLDER / name).write_text(without_outputs(chapter), encoding="utf-8")


if __name__ == "__main__":
    main()
