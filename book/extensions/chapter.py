"""What every chapter gets from the build: helpers on the path, facts, assignment box, notebook.

- The modules in book/kit are importable in a chapter's code, and part of the execution cache's key.
- `{chapter-facts}` shows the reading time, the difficulty and how to run the chapter.
- `{assignment}` shows how to get and open an assignment's notebook.
- The script figure.js in a chapter's folder is loaded on that chapter's page only, after the kit
  of explorables (book/static/figure*.js).

Buttons to Colab and to a JupyterHub are plain links into the repository of `repository: url:` in
_config.yml; without that setting there are none. `hub_url` there names the hub; without it the
button leads to the page of nbgitpuller that asks for one.
"""

from __future__ import annotations

import contextlib
import hashlib
import html
import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import nbformat
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from jupyter_cache import get_cache
from length import reading_time
from notebooks import FOLDER, KIT, kit_modules, requirements, stand_alone
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

# A new release of one of these may move a number, so it also starts a fresh execution cache.
NUMERICAL = ("numpy", "scipy", "matplotlib", "scikit-learn", "gymnasium", "torch")

# What figure.js of a chapter finds loaded.
FIGURE_KIT = ("figure.js", "figure-grid.js", "figure-plot.js")

HUB_FORM = "https://nbgitpuller.readthedocs.io/en/latest/link.html"
ASSIGNMENT_TEXT = """\
{download}

In a clone of this repository the notebook is `exercises/{slug}/{slug}.ipynb`. To work on your own
machine, download it, and then:

```console
$ pip install {packages}
$ jupyter lab {slug}.ipynb
```
"""


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


def open_links(theme: dict[str, Any], hub: str, path: str) -> list[tuple[str, str]]:
    """Text and address of the buttons that open a notebook of the repository elsewhere.

    Args:
        theme: the theme's options, with `repository_url` and perhaps `repository_branch`.
        hub: address of a JupyterHub with nbgitpuller, or "".
        path: the notebook's path in the repository.
    """
    repository = str(theme.get("repository_url") or "").rstrip("/").removesuffix(".git")
    if not repository:
        return []
    branch = theme.get("repository_branch") or "main"
    owner, name = repository.split("/")[-2:]
    pull = {"repo": repository, "branch": branch, "urlpath": f"lab/tree/{name}/{path}"}
    start = f"{hub.rstrip('/')}/hub/user-redirect/git-pull" if hub else HUB_FORM
    links = [("JupyterHub" if hub else "your JupyterHub", f"{start}?{urlencode(pull)}")]
    if repository.startswith("https://github.com/"):
        colab = f"https://colab.research.google.com/github/{owner}/{name}/blob/{branch}/{path}"
        links.insert(0, ("Colab", colab))
    return links


class FactsNode(nodes.General, nodes.Element):
    """Placeholder for the facts of a chapter, filled when the whole page has been read."""


class OpenNode(nodes.General, nodes.Inline, nodes.Element):
    """Placeholder for the buttons that open `path` of the repository, filled when written."""


class ChapterFacts(SphinxDirective):
    """`{chapter-facts}` with the option `difficulty`, 1 to 5."""

    option_spec: ClassVar[dict[str, Any]] = {
        "difficulty": lambda text: directives.choice(text, tuple("12345"))
    }

    def run(self) -> list[nodes.Node]:
        """Leave a placeholder."""
        return [FactsNode(difficulty=self.options["difficulty"])]


class Assignment(SphinxDirective):
    """`{assignment} slug`: how to get and open exercises/<slug>/<slug>.ipynb."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Build the box; a notebook that is not released yet is said to be so."""
        slug = self.arguments[0]
        relative = f"exercises/{slug}/{slug}.ipynb"
        path = Path(self.env.srcdir) / relative
        self.env.note_dependency(str(path))
        box = nodes.container(classes=["assignment"])
        if not path.exists():
            text = f"The notebook is not released yet; `grader release {slug}` makes it."
        else:
            notebook = nbformat.read(path, as_version=4)
            code = (cell.source for cell in notebook.cells if cell.cell_type == "code")
            text = ASSIGNMENT_TEXT.format(
                slug=slug,
                download=f"{{download}}`Download the assignment </{relative}>`",
                packages=" ".join(["jupyterlab", *requirements(code)]),
            )
        lines = StringList(text.splitlines(), source=self.get_source_info()[0])
        self.state.nested_parse(lines, self.content_offset, box)
        for reference in box.findall(addnodes.download_reference):
            reference["classes"] += ["btn", "btn-primary", "open-button"]
            reference.parent["classes"].append("open-buttons")
            reference.parent += OpenNode(path=relative, what="the assignment")
        return [box]


def code_of(doctree: nodes.document) -> list[str]:
    """Source of each code cell on a page."""
    return [
        block.astext()
        for cell in doctree.findall(nodes.container)
        if "cell_input" in cell["classes"]
        for block in cell.findall(nodes.literal_block)
    ]


def fill_facts(app: Sphinx, doctree: nodes.document) -> None:
    """Replace the placeholder by what can be counted once the page is read."""
    for placeholder in list(doctree.findall(FactsNode)):
        folder = app.env.docname.rpartition("/")[0]
        name = folder.rpartition("/")[2]
        text = f"{reading_time(doctree)} · difficulty {placeholder['difficulty']} of 5"
        up = "../" * app.env.docname.count("/")
        source = html.escape(f"{up}_sources/{folder}/{name}.ipynb")
        download = f'<a class="btn btn-primary open-button" download href="{source}">'
        buttons = nodes.paragraph(classes=["open-buttons"])
        buttons += nodes.raw("", f"{download}Download this chapter</a>", format="html")
        path = (FOLDER / f"{name}.ipynb").relative_to(FOLDER.parents[1])
        buttons += OpenNode(path=path.as_posix(), what="this chapter")
        packages = " ".join(["jupyterlab", *requirements(code_of(doctree))])
        command = f"<pre>pip install {packages}\njupyter lab {name}.ipynb</pre>"
        how = f'<details class="how-to-run"><summary>Run it on your machine</summary>{command}'
        placeholder.replace_self(
            [
                nodes.paragraph("", text, classes=["chapter-facts"]),
                buttons,
                nodes.raw("", f"{how}</details>", format="html"),
            ]
        )


def fill_links(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Replace the placeholders of the buttons by links into the repository."""
    for placeholder in list(doctree.findall(OpenNode)):
        found = open_links(app.config.html_theme_options, app.config.hub_url, placeholder["path"])
        buttons = " ".join(
            f'<a class="btn btn-outline-primary open-button" href="{html.escape(address)}">'
            f'Open in {text}<span class="visually-hidden"> {placeholder["what"]}</span></a>'
            for text, address in found
        )
        placeholder.replace_self(nodes.raw("", f" {buttons}", format="html"))


def without_broken_roles(body: str) -> str:
    """A page without the roles that docutils gives to citations.

    It calls the group a list and its members `doc-biblioentry`, which ARIA 1.3 has withdrawn: a
    list without items, which a screen reader announces as empty.
    """
    return body.replace(' role="doc-biblioentry"', "").replace(
        '<div role="list" class="citation-list">', '<div class="citation-list">'
    )


def own_script(app: Sphinx, docname: str) -> Path | None:
    """figure.js beside the page, where there is one."""
    path = Path(app.env.doc2path(docname)).with_name("figure.js")
    return path if path.exists() else None


def note_script(app: Sphinx, doctree: nodes.document) -> None:
    """Remember whether a page has a script, and read the page again when the script changes."""
    script = own_script(app, app.env.docname)
    app.env.metadata[app.env.docname]["figure_script"] = script is not None
    if script:
        app.env.note_dependency(str(script))


def pages_with_other_scripts(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Pages that were read before their script came or went."""
    return [
        name
        for name in env.found_docs - added - removed
        if env.metadata[name].get("figure_script") != (own_script(app, name) is not None)
    ]


def load_script(app: Sphinx, pagename: str) -> None:
    """Copy the page's own script to the site, and load it on this page, after its kit."""
    if script := own_script(app, pagename):
        for kit in FIGURE_KIT:
            app.add_js_file(kit, loading_method="defer")
        name = f"figures/{script.parent.parent.name}-{script.parent.name}.js"
        target = Path(app.outdir) / "_static" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(script.read_bytes())
        app.add_js_file(name, loading_method="defer")


def finish_page(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Load the page's own script and write its notebook."""
    if "body" in context:
        context["body"] = without_broken_roles(context["body"])
    meta = app.env.metadata.get(pagename, {})
    if doctree is not None:
        load_script(app, pagename)
    if pagename == "search":
        context["metatags"] = '<meta name="description" content="Search in the whole book." />'
    if doctree is None or "kernelspec" not in meta or app.builder.format != "html":
        return
    config = app.env.mystnb_config
    notebook = nbformat.read(Path(config.output_folder) / f"{pagename}.ipynb", as_version=4)
    with contextlib.suppress(KeyError):  # not in the cache when execution is off
        _, notebook = get_cache(config.execution_cache_path).merge_match_into_notebook(notebook)
    folder = pagename.rpartition("/")[0]
    name = f"{folder}/{folder.rpartition('/')[2]}.ipynb"
    target = Path(app.outdir) / "_sources" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(stand_alone(notebook), target)
    context["ipynb_source"] = name


def drop_icon_script(app: Sphinx, exception: Exception | None) -> None:
    """Empty the theme's script of icons, half a megabyte: its style sheet has them as a font."""
    script = Path(app.outdir) / "_static" / "scripts" / "fontawesome.js"
    if exception is None and script.exists():
        script.write_text("// Icons are drawn by the style sheets.\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    sys.path.append(str(KIT))
    if "comments_config" not in app.config:
        # Jupyter Book always sets it, for the extension that _config.yml leaves out.
        app.add_config_value("comments_config", {}, "", types=(dict,))
    app.add_config_value("hub_url", "", "html", types=(str,))
    app.add_css_file("reading.css")
    app.add_css_file("figure.css")
    app.setup_extension("boxes")
    app.setup_extension("partmap")
    app.setup_extension("terms")
    app.add_node(FactsNode)
    app.add_node(OpenNode)
    app.add_directive("chapter-facts", ChapterFacts)
    app.add_directive("assignment", Assignment)
    app.connect("config-inited", prepare_execution)
    app.connect("env-get-outdated", pages_with_other_scripts)
    app.connect("doctree-read", note_script)
    app.connect("doctree-read", fill_facts)
    app.connect("doctree-resolved", fill_links)
    app.connect("build-finished", drop_icon_script)
    app.connect("html-page-context", finish_page)
    return {
        "version": "1",
        "env_version": 4,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
