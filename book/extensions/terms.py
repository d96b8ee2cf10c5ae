"""The glossary's definitions, in a script that every page can show them from.

Links made by `{term}` lead to the glossary. book/static/terms.js shows the definition beside the
link, on hover and on keyboard focus; it loads what this module writes when it first needs it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder

DATA = "terms-data.js"


def definitions(glossary: addnodes.glossary) -> dict[str, nodes.definition]:
    """Definitions by the HTML id of each of their terms, without links."""
    found = {}
    for item in glossary.findall(nodes.definition_list_item):
        definition = next(item.findall(nodes.definition)).deepcopy()
        for reference in list(definition.findall(nodes.reference)):
            reference.replace_self(reference.children)
        for term in item.findall(nodes.term):
            found |= dict.fromkeys(term["ids"], definition)
    return found


def write(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Write the definitions when the page of the glossary is written."""
    if doctree is None or not isinstance(app.builder, StandaloneHTMLBuilder):
        return
    rendered: dict[str, str] = {}
    for glossary in doctree.findall(addnodes.glossary):
        for identifier, definition in definitions(glossary).items():
            content = nodes.container("", *definition.children)
            rendered[identifier] = app.builder.render_partial(content)["fragment"]
    if rendered:
        data = json.dumps(rendered, ensure_ascii=False, indent=0)
        target = Path(app.outdir) / "_static" / DATA
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"window.bookTerms = {data};\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.add_js_file("terms.js", loading_method="defer")
    app.connect("html-page-context", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
