"""What every chapter gets from the build: helpers on the path, facts, assignment box, notebook.

- The modules in book/kit are importable in a chapter's code, and part of the execution cache's key.
- `{chapter-facts}` shows the reading time, the difficulty and a link to the chapter as a notebook.
- `{assignment}` shows how to get and open an assignment's notebook.
- Front matter `page_scripts: name.js` loads a script of book/static on that page only.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from jupyter_cache import get_cache
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.docutils import SphinxDirective

KIT = Path(__file__).resolve().parents[1] / "kit"
# A new release of one of these may move a number, so it also starts a fresh execution cache.
NUMERICAL = ("numpy", "scipy", "matplotlib", "scikit-learn", "gymnasium", "torch")

ASSIGNMENT_TEXT = """\
{download}

On your own machine, with Python and the libraries that the notebook's first cell names:

```console
$ pip install jupyterlab numpy
$ jupyter lab {slug}.ipynb
```

In Google Colab, choose *File*, *Upload notebook*, and pick the file that you downloaded. In a clone
of this repository the same file is `exercises/{slug}/{slug}.ipynb`.
"""


def kit_modules() -> dict[str, Path]:
    """Modules that a chapter's code may import, by name."""
    return {path.stem: path for path in sorted(KIT.glob("*.py"))}


def environment_digest() -> str:
    """Name of everything outside a chapter that its outputs depend on."""
    digest = hashlib.sha256(platform.python_version().encode())
    for path in kit_modules().values():
        digest.update(path.read_bytes())
    for name in NUMERICAL:
        try:
            digest.update(f"{name}=={metadata.version(name)}".encode())
        except metadata.PackageNotFoundError:
            digest.update(f"no {name}".encode())
    return digest.hexdigest()[:12]


def prepare_execution(app: Sphinx, config: Config) -> None:
    """Put book/kit on the kernels' path and keep one execution cache for each environment."""
    paths = [str(KIT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    cache = Path(app.outdir).parent / ".jupyter_cache" / environment_digest()
    cache.parent.mkdir(parents=True, exist_ok=True)
    config.nb_execution_cache_path = str(cache)


def reading_minutes(words: int, equations: int, code_lines: int) -> int:
    """Minutes to read a chapter, rounded to five.

    200 words of prose a minute, 20 seconds for a displayed equation, 4 seconds for a line of code.
    """
    minutes = words / 200 + equations / 3 + code_lines / 15
    return max(5, 5 * round(minutes / 5))


class facts_node(nodes.General, nodes.Element):
    """Placeholder for the facts of a chapter, filled when the whole page has been read."""


class ChapterFacts(SphinxDirective):
    """`{chapter-facts}` with the option `difficulty`, 1 to 5."""

    option_spec = {"difficulty": lambda text: directives.choice(text, tuple("12345"))}

    def run(self) -> list[nodes.Node]:
        """Leave a placeholder."""
        return [facts_node(difficulty=self.options["difficulty"])]


class Assignment(SphinxDirective):
    """`{assignment} slug`: how to get and open exercises/<slug>/<slug>.ipynb."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Build the box; a notebook that is not released yet is said to be so."""
        slug = self.arguments[0]
        relative = f"exercises/{slug}/{slug}.ipynb"
        notebook = Path(self.env.srcdir) / relative
        self.env.note_dependency(str(notebook))
        missing = f"The notebook is not released yet; `grader release {slug}` makes it."
        button = f"{{download}}`Download the assignment </{relative}>`"
        text = ASSIGNMENT_TEXT.format(slug=slug, download=button if notebook.exists() else missing)
        box = nodes.container(classes=["assignment"])
        lines = StringList(text.splitlines(), source=self.get_source_info()[0])
        self.state.nested_parse(lines, self.content_offset, box)
        for reference in box.findall(addnodes.download_reference):
            reference["classes"] += ["btn", "btn-primary", "assignment-button"]
        return [box]


def length_of(doctree: nodes.document) -> tuple[int, int, int]:
    """Words, displayed equations and lines of code that a reader meets without unfolding."""

    def folded(node: nodes.Node) -> bool:
        while node is not None:
            classes = node.get("classes", ()) if isinstance(node, nodes.Element) else ()
            if {"dropdown", "cell_output", "tag_hide-input"} & set(classes):
                return True
            node = node.parent
        return False

    seen = {
        kind: [node for node in doctree.findall(kind) if not folded(node)]
        for kind in (nodes.paragraph, nodes.math_block, nodes.literal_block)
    }
    words = sum(len(node.astext().split()) for node in seen[nodes.paragraph])
    lines = [line for node in seen[nodes.literal_block] for line in node.astext().splitlines()]
    return words, len(seen[nodes.math_block]), sum(1 for line in lines if line.strip())


def fill_facts(app: Sphinx, doctree: nodes.document) -> None:
    """Replace the placeholder by what can be counted once the page is read."""
    for placeholder in list(doctree.findall(facts_node)):
        words, equations, code_lines = length_of(doctree)
        minutes = reading_minutes(words, equations, code_lines)
        docname = app.env.docname
        up = "../" * docname.count("/")
        line = nodes.paragraph(classes=["chapter-facts"])
        line += nodes.Text(f"About {minutes} minutes to read · difficulty ")
        line += nodes.Text(f"{placeholder['difficulty']} of 5 · ")
        line += nodes.reference(
            "", "this chapter as a notebook", refuri=f"{up}_sources/{docname}.ipynb", internal=True
        )
        placeholder.replace_self(line)


def self_contained(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with each `from <kit module> import ...` replaced by the module's source.

    A reader opens a chapter in Colab or in an empty folder, where book/kit does not exist.
    """
    modules, needed = kit_modules(), []
    for cell in notebook.cells:
        if cell.cell_type != "code" or not any(name in cell.source for name in modules):
            continue
        lines = cell.source.splitlines()
        for node in reversed(ast.parse(cell.source).body):
            if isinstance(node, ast.ImportFrom) and node.module in modules:
                needed.append(node.module)
                del lines[node.lineno - 1 : node.end_lineno]
        cell.source = "\n".join(lines).strip("\n")
    for name in sorted(set(needed)):
        source = modules[name].read_text(encoding="utf-8")
        cell = nbformat.v4.new_code_cell(source, metadata={"jupyter": {"source_hidden": True}})
        cell.id = f"kit-{name}"
        notebook.cells.insert(0, cell)
    return notebook


def finish_page(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Load the page's own scripts and write its notebook beside its source."""
    meta = app.env.metadata.get(pagename, {})
    for name in str(meta.get("page_scripts", "")).split():
        app.add_js_file(name, loading_method="defer")
    if doctree is None or "kernelspec" not in meta or app.builder.format != "html":
        return
    config = app.env.mystnb_config
    notebook = nbformat.read(Path(config.output_folder) / f"{pagename}.ipynb", as_version=4)
    with contextlib.suppress(KeyError):  # not in the cache when execution is off
        _, notebook = get_cache(config.execution_cache_path).merge_match_into_notebook(notebook)
    target = Path(app.outdir) / "_sources" / f"{pagename}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(self_contained(notebook), target)
    context["ipynb_source"] = f"{pagename}.ipynb"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    sys.path.append(str(KIT))
    # Jupyter Book always sets it, for the extension that _config.yml leaves out.
    app.add_config_value("comments_config", {}, "", types=(dict,))
    app.add_node(facts_node)
    app.add_directive("chapter-facts", ChapterFacts)
    app.add_directive("assignment", Assignment)
    app.connect("config-inited", prepare_execution)
    app.connect("doctree-read", fill_facts)
    app.connect("html-page-context", finish_page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
