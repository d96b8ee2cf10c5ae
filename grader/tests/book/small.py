"""Small books, built by Sphinx in this process: no kernel starts, so that a build costs little."""

from __future__ import annotations

import contextlib
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

ROOT = Path(__file__).resolve().parents[3]

SETTINGS: dict[str, Any] = {
    "extensions": ["myst_nb", "sphinx_proof", "sphinx_exercise", "sphinxcontrib.bibtex"],
    "html_theme": "basic",
    "html_static_path": [str(ROOT / "book" / "static")],
    "myst_enable_extensions": ["amsmath", "colon_fence", "deflist", "dollarmath", "tasklist"],
    "nb_execution_mode": "off",
    "numfig": True,
    "bibtex_bibfiles": ["references.bib"],
    "bibtex_reference_style": "author_year",
    "html_use_index": False,
}
INDEX = "# Book\n\n```{toctree}\n:glob:\n\n*\n```\n"
BIB = """\
@book{primes, author={Eratosthenes, E. and {van der} Sieve, {A}lexandra}, title={{P}rimes},
  year={1900}, publisher={None}}
"""


def notebook(*cells: str | tuple[str, list[NotebookNode]]) -> str:
    """A page as a notebook: Markdown, and code with the outputs that it is to have had."""
    made = [
        nbformat.v4.new_markdown_cell(cell)
        if isinstance(cell, str)
        else nbformat.v4.new_code_cell(cell[0], outputs=cell[1], execution_count=1)
        for cell in cells
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return str(json.dumps(nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel})))


class SmallBook:
    """A folder of pages and the site that Sphinx makes of it."""

    def __init__(self, folder: Path, pages: dict[str, str], *extensions: str) -> None:
        self.source, self.html = folder / "source", folder / "html"
        self.extensions = extensions
        self.source.mkdir()
        self.write({"index.md": INDEX, "references.bib": BIB, **pages})

    def write(self, pages: dict[str, str]) -> None:
        """Add or change pages."""
        for name, text in pages.items():
            (self.source / name).parent.mkdir(parents=True, exist_ok=True)
            (self.source / name).write_text(text, encoding="utf-8")

    def build(self) -> str:
        """Build what changed; return the warnings.

        In a thread of its own: a browser that other tests have open runs an event loop in this one,
        and then chapters could not be run.

        Raises:
            ExtensionError: an extension refused a page.
        """
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(self._build).result()

    def _build(self) -> str:
        said = io.StringIO()
        settings = SETTINGS | {"extensions": [*SETTINGS["extensions"], *self.extensions]}
        with patch_docutils(), docutils_namespace(), contextlib.redirect_stdout(io.StringIO()):
            app = Sphinx(
                self.source,
                None,
                self.html,
                self.html.parent / "doctrees",
                "html",
                confoverrides=settings,
                status=None,
                warning=said,
            )
            app.build()
        return said.getvalue()

    def page(self, name: str) -> str:
        """The HTML of a page."""
        return (self.html / f"{name}.html").read_text(encoding="utf-8")
