"""`{chapter}`rl/exploration``: a chapter by its folder, written or not.

The role becomes a link to the chapter under its title. Where the chapter is only planned it becomes
the title that parts.yml has, marked as planned, until the chapter comes.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxRole
from toc import PARTS, planned_chapters, read_parts

ROLE = re.compile(r"\{chapter\}`(?P<folder>[^`]+)`")


class ChapterNode(nodes.General, nodes.Inline, nodes.Element):
    """A chapter that is named on a page: `folder`, `title`; a link when it is written."""


def titles() -> dict[str, str]:
    """Planned titles of all chapters, by folder."""
    return planned_chapters(read_parts())


class ChapterRole(SphinxRole):
    """Names a chapter; one that parts.yml does not list is an error."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Leave a placeholder, since titles are known when all pages are read."""
        title = titles().get(self.text)
        self.env.note_dependency(str(PARTS))
        if title is None:
            message = f"book/parts.yml lists no chapter {self.text!r}; write PART/CHAPTER"
            return [], [self.inliner.reporter.error(message, line=self.lineno)]
        named = self.env.metadata[self.env.docname].setdefault("names_chapters", [])
        named.append(self.text)
        return [ChapterNode(folder=self.text, title=title)], []


def plain_names(text: str) -> str:
    """Markdown with the titles of the chapters that it names."""
    return ROLE.sub(lambda match: f"*{titles()[match['folder']]}*", text)


def fill(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Replace each placeholder by a link, or by a title that says that it is planned."""
    for node in list(doctree.findall(ChapterNode)):
        docname = f"book/{node['folder']}/index"
        if docname in app.env.titles:
            title = app.env.titles[docname].astext()
            uri = app.builder.get_relative_uri(page, docname)
            node.replace_self(nodes.reference("", title, refuri=uri, internal=True))
        else:
            text = f"{node['title']} (planned)"
            node.replace_self(nodes.inline("", text, classes=["planned"]))


def pages_to_write(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Pages that name a chapter which came, went or changed its title since they were written."""
    now = {name: title.astext() for name, title in env.titles.items()}
    before = getattr(env, "titles_written", {})
    env.titles_written = now
    changed = {name for name in now.keys() | before.keys() if now.get(name) != before.get(name)}
    return sorted(
        name
        for name in env.found_docs
        if any(f"book/{f}/index" in changed for f in env.metadata[name].get("names_chapters", ()))
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the role."""
    app.add_node(ChapterNode)
    app.add_role("chapter", ChapterRole())
    app.connect("env-updated", pages_to_write)
    app.connect("doctree-resolved", fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
