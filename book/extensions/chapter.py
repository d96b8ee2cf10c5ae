"""What every chapter gets from the build: helpers on the path, facts, assignment box, notebook.

- What makes a page a notebook (chapters.py), and its run before Sphinx reads it (execution.py).
- Below the title the reading time, the difficulty and how to run the chapter.
- `{assignment}` shows how to get and open the notebook of the assignment in the front matter.
- The last line: with which versions the chapter was executed.
- The script figure.js in a chapter's folder is loaded on that chapter's page only, after the kit
  of explorables (book/static/figure*.js).

Buttons to Colab and to a JupyterHub are plain links into the repository of `repository: url:` in
_config.yml; without that setting there are none. `hub_url` there names the hub; without it the
button leads to the page of nbgitpuller that asks for one.
"""

from __future__ import annotations

import contextlib
import html
import platform
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import execution
import gather
import measures
import nbformat
from chapters import DOCNAME, KIT, front_matter, is_chapter, requirements, versions
from docutils import nodes
from docutils.statemachine import StringList
from jupyter_cache import get_cache
from length import reading_time
from notebooks import stand_alone
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

# What figure.js of a chapter finds loaded.
FIGURE_KIT = ("figure.js", "figure-grid.js", "figure-plot.js")

MATHJAX = ["input/tex", "output/chtml", "a11y/assistive-mml"]
HUB_FORM = "https://nbgitpuller.readthedocs.io/en/latest/link.html"
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
ASSIGNMENT_TEXT = """\
{download}

To work on your own machine, put the file into a folder of your own, and there:

```console
{commands}
```
{note}
The page {{doc}}`/book/students` leads from here to the feedback, and has more places to work.
"""
CPU_NOTE = (
    "The first command installs PyTorch for the processor alone. Leave out `--index-url` and what "
    "follows it to use a graphics card."
)
NAMES = {"numpy": "NumPy", "scipy": "SciPy", "matplotlib": "Matplotlib", "torch": "PyTorch"}


def install_commands(packages: list[str], notebook: str) -> list[str]:
    """Commands that install what a notebook imports, and open it.

    torch comes first and from PyTorch's own index of builds without CUDA, which are much smaller.
    """
    others = [name for name in packages if name != "torch"]
    commands = [f"pip install {' '.join(['jupyterlab', *others])}", f"jupyter lab {notebook}"]
    return [f"pip install torch --index-url {CPU_WHEELS}"] * ("torch" in packages) + commands


def open_links(theme: dict[str, Any], branch: str, hub: str, path: str) -> list[tuple[str, str]]:
    """Text and address of the buttons that open a published notebook elsewhere.

    Args:
        theme: the theme's options, with `repository_url`.
        branch: the branch that holds what is published.
        hub: address of a JupyterHub with nbgitpuller, or "".
        path: the notebook's path on that branch.
    """
    repository = str(theme.get("repository_url") or "").rstrip("/").removesuffix(".git")
    if not repository:
        return []
    owner, name = repository.split("/")[-2:]
    pull = {"repo": repository, "branch": branch, "urlpath": f"lab/tree/{name}/{path}"}
    start = f"{hub.rstrip('/')}/hub/user-redirect/git-pull" if hub else HUB_FORM
    links = [("JupyterHub" if hub else "your JupyterHub", f"{start}?{urlencode(pull)}")]
    if repository.startswith("https://github.com/"):
        colab = f"https://colab.research.google.com/github/{owner}/{name}/blob/{branch}/{path}"
        links.insert(0, ("Colab", colab))
    return links


class OpenNode(nodes.General, nodes.Inline, nodes.Element):
    """Placeholder for the buttons that open `path` of the repository, filled when written."""


class Assignment(SphinxDirective):
    """`{assignment}`: how to get and open the notebook of the front matter's assignment."""

    def run(self) -> list[nodes.Node]:
        """Build the box; a notebook that is not released yet is said to be so."""
        slug = self.env.temp_data.get("assignment")
        if not slug:
            raise self.error("the front matter names no assignment; write there `assignment: NAME`")
        relative = f"exercises/{slug}/{slug}.ipynb"
        path = Path(self.env.srcdir) / relative
        self.env.note_dependency(str(path))
        box = nodes.container(classes=["assignment"])
        if not path.exists():
            text = f"The notebook is not released yet; `grader release {slug}` makes it."
        else:
            notebook = nbformat.read(path, as_version=4)
            code = (cell.source for cell in notebook.cells if cell.cell_type == "code")
            packages = requirements(code)
            commands = install_commands(packages, f"{slug}.ipynb")
            text = ASSIGNMENT_TEXT.format(
                download=f"{{download}}`Download the assignment </{relative}>`",
                commands="\n".join(f"$ {command}" for command in commands),
                note=f"\n{CPU_NOTE}\n" if "torch" in packages else "",
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


def add_facts(app: Sphinx, doctree: nodes.document) -> None:
    """Measure a chapter; say below its title what can be counted, at its end versions."""
    place = DOCNAME.fullmatch(app.env.docname)
    if place is None:
        return
    part, name = place["part"], place["slug"]
    code = code_of(doctree)
    app.env.metadata[app.env.docname]["measures"] = measures.measured(doctree, code)
    difficulty = app.env.metadata[app.env.docname]["difficulty"]
    text = f"{reading_time(doctree)} · difficulty {difficulty} of 5"
    source = html.escape(f"../../../_sources/book/{part}/{name}/{name}.ipynb")
    download = f'<a class="btn btn-primary open-button" download href="{source}">'
    buttons = nodes.paragraph(classes=["open-buttons"])
    buttons += nodes.raw("", f"{download}Download this chapter</a>", format="html")
    buttons += OpenNode(path=f"chapters/{part}/{name}.ipynb", what="this chapter")
    packages = requirements(code)
    commands = html.escape("\n".join(install_commands(packages, f"{name}.ipynb")))
    note = f"<p>{CPU_NOTE.replace('`', '')}</p>" if "torch" in packages else ""
    how = (
        '<details class="how-to-run"><summary>Run it on your machine</summary>'
        f"<pre>{commands}</pre>{note}</details>"
    )
    title = next(doctree.findall(nodes.title))
    at = title.parent.index(title) + 1
    title.parent[at:at] = [
        nodes.paragraph("", text, classes=["chapter-facts"]),
        buttons,
        nodes.raw("", how, format="html"),
    ]
    used = [f"{NAMES.get(n, n)} {number}" for n, number in versions(code).items()]
    listed = ", ".join([f"Python {platform.python_version()}", *used])
    last = nodes.paragraph("", f"Last executed with {listed}.", classes=["versions"])
    title.parent += last


def fill_links(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Replace the placeholders of the buttons by links into the repository."""
    for placeholder in list(doctree.findall(OpenNode)):
        config = app.config
        found = open_links(
            config.html_theme_options,
            config.notebooks_branch,
            config.hub_url,
            placeholder["path"],
        )
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


def note_assignment(app: Sphinx, docname: str, content: list[str]) -> None:
    """Remember the assignment of the page that is about to be read, for its directive."""
    front = front_matter(content[0], Path(app.env.doc2path(docname)))
    app.env.temp_data["assignment"] = front.get("assignment")


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
    """Load the page's own script, write its notebook and its measures."""
    if "body" in context:
        context["body"] = without_broken_roles(context["body"])
    meta = app.env.metadata.get(pagename, {})
    if doctree is not None:
        load_script(app, pagename)
    if pagename == "search":
        context["metatags"] = '<meta name="description" content="Search in the whole book." />'
    if doctree is None or not is_chapter(pagename) or app.builder.format != "html":
        return
    config = app.env.mystnb_config
    notebook = nbformat.read(Path(config.output_folder) / f"{pagename}.ipynb", as_version=4)
    cache, record = get_cache(config.execution_cache_path), None
    with contextlib.suppress(KeyError):  # not in the cache when execution is off
        record, notebook = cache.merge_match_into_notebook(notebook)
    measures.write(app, pagename, cache.get_cache_record(record).data if record else {})
    folder = pagename.rpartition("/")[0]
    name = f"{folder}/{folder.rpartition('/')[2]}.ipynb"
    target = Path(app.outdir) / "_sources" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    references = Path(app.srcdir) / app.config.bibtex_bibfiles[0]
    notebook = stand_alone(notebook, str(meta.get("assignment", "")), references)
    nbformat.write(notebook, target)
    context["ipynb_source"] = name


def load_parts_of_mathjax(app: Sphinx, config: Config) -> None:
    """Load what the book needs: 98 kB less than the bundle that sphinx-mathjax-offline names."""
    if "sphinx-mathjax-offline" in app.extensions:
        config.mathjax_path = "mathjax/startup.js"
        config.mathjax3_config = (config.mathjax3_config or {}) | {"loader": {"load": MATHJAX}}


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
    app.setup_extension("planned")
    app.setup_extension("terms")
    app.add_node(OpenNode)
    app.add_directive("assignment", Assignment)
    app.add_config_value("notebooks_branch", "notebooks", "html", types=(str,))
    gather.connect(app)
    app.connect("config-inited", load_parts_of_mathjax)
    app.connect("config-inited", execution.prepare)
    app.connect("env-get-outdated", pages_with_other_scripts)
    app.connect("env-get-outdated", execution.pages_with_other_keys)
    app.connect("env-before-read-docs", execution.run_all)
    app.connect("env-before-read-docs", execution.read_one_by_one)
    app.connect("env-updated", execution.write_in_parallel)
    app.connect("source-read", execution.complete_source)
    app.connect("source-read", note_assignment)
    app.connect("doctree-read", note_script)
    app.connect("doctree-read", add_facts)
    app.connect("doctree-resolved", fill_links)
    app.connect("build-finished", drop_icon_script)
    app.connect("html-page-context", finish_page)
    return {
        "version": "1",
        "env_version": 6,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
