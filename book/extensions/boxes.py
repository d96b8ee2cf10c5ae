r"""Boxes of every chapter: its objectives, and questions by which readers check themselves.

A question is a task list: what is ticked is right, and below each option stands why.

    :::{check-question}
    Which of these discount factors makes a reward in two steps worth a quarter of one now?

    - [x] $\gamma = 0.5$

      Two steps cost two factors: $0.5^2 = 0.25$.
    - [ ] $\gamma = 0.25$

      That is the factor of one step; two make $0.0625$.
    :::

Each option is a <details> element, so that everything works by keyboard and without scripts;
book/static/questions.js opens all of them with the first click and says whether it was right.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxTranslator

OBJECTIVES = "What you will be able to do"
QUESTION = "Check question"
SCRIPT = "questions.js"
LEAST, MOST = 2, 5
TICK = re.compile(r'<input class="task-list-item-checkbox"[^>]*>')


class CheckQuestion(nodes.General, nodes.Element):
    """A question: its text, then CheckOption nodes. `ids` has one id, `right` counts answers."""


class CheckOption(nodes.General, nodes.Element):
    """One option: a CheckChoice, then why. `right` is a bool, `number` counts from 1."""


class CheckChoice(nodes.General, nodes.TextElement):
    """The text of an option."""


class Objectives(SphinxDirective):
    """`{objectives}`: a list of what a reader of the chapter will be able to do."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """An admonition with the fixed title."""
        box = nodes.admonition(classes=["objectives"])
        box += nodes.title("", OBJECTIVES)
        self.set_source_info(box)
        self.state.nested_parse(self.content, self.content_offset, box)
        if not any(isinstance(child, nodes.bullet_list) for child in box.children):
            raise self.error("{objectives} holds a list, one line for each thing: - Derive ...")
        return [box]


class Question(SphinxDirective):
    """`{check-question}`: a question and a task list of two to five options."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Sort the parsed text into question, options and explanations."""
        parsed = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, parsed)
        if not parsed.children or not isinstance(parsed.children[-1], nodes.bullet_list):
            raise self.error("{check-question} ends with its options, a list: - [x] text")
        *text, options = parsed.children
        if not text:
            raise self.error("{check-question} begins with a question, above its options")
        question = CheckQuestion("", *text, ids=[f"check-{self.env.new_serialno('check')}"])
        self.set_source_info(question)
        question += [self.option(item) for item in options.children]
        found = list(question.findall(CheckOption))
        for number, option in enumerate(found, 1):
            option["number"] = number
        question["right"] = sum(option["right"] for option in found)
        if not LEAST <= len(found) <= MOST:
            raise self.error(f"{{check-question}} has {LEAST} to {MOST} options, not {len(found)}")
        if question["right"] == 0:
            raise self.error("{check-question} has no right option; tick one: - [x] text")
        return [question]

    def option(self, item: nodes.Node) -> CheckOption:
        """One item of the task list."""
        first, *why = item.children
        tick = first.children[0].astext() if first.children else ""
        if not isinstance(first, nodes.paragraph) or not TICK.fullmatch(tick.strip()):
            raise self.error(
                "every option of {check-question} begins with [x] (right) or [ ] (wrong): "
                f"{first.astext()[:40]!r}"
            )
        words = first.children[1:]
        if isinstance(words[0], nodes.Text):
            words[0] = nodes.Text(words[0].lstrip())
        choice = CheckChoice(first.rawsource, "", *words)
        choice.source, choice.line = first.source, first.line
        if not why:
            raise self.error(
                f"{{check-question}}: below the option {choice.astext()[:40]!r} does not stand "
                "why it is right or wrong; leave a line empty and write it, indented"
            )
        return CheckOption("", choice, *why, right="checked=" in tick)


def visit_question(self: SphinxTranslator, node: CheckQuestion) -> None:
    """Open the box; screen readers announce it as a group with its title."""
    title = f"{node['ids'][0]}-title"
    several = f" ({node['right']} options are right)" if node["right"] > 1 else ""
    self.body.append(
        f'<div class="check-question" id="{node["ids"][0]}" role="group" '
        f'aria-labelledby="{title}"><p class="check-title" id="{title}">{QUESTION}{several}</p>\n'
    )


def depart_question(self: SphinxTranslator, node: CheckQuestion) -> None:
    """Close the box, with a place where the script says whether the choice was right."""
    self.body.append('<p class="check-verdict" role="status"></p></div>\n')


def visit_option(self: SphinxTranslator, node: CheckOption) -> None:
    """Open a folded option."""
    kind = "right" if node["right"] else "wrong"
    self.body.append(f'<details class="check-option check-{kind}">')


def depart_option(self: SphinxTranslator, node: CheckOption) -> None:
    """Close the explanation and the option."""
    self.body.append("</div></details>\n")


def visit_choice(self: SphinxTranslator, node: CheckChoice) -> None:
    """Open the text that is clicked; a formula alone would have no name for screen readers."""
    self.body.append(
        '<summary><span class="check-mark" aria-hidden="true"></span><span>'
        f'<span class="visually-hidden">Option {node.parent["number"]}: </span>'
    )


def depart_choice(self: SphinxTranslator, node: CheckChoice) -> None:
    """Close it and open the explanation with its verdict."""
    verdict = "Right." if node.parent["right"] else "Wrong."
    self.body.append(f'</span></summary>\n<div class="check-why"><p><b>{verdict}</b></p>\n')


def add_script(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Load the script on pages that have a question."""
    if doctree is not None and next(doctree.findall(CheckQuestion), None) is not None:
        app.add_js_file(SCRIPT, loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.add_directive("objectives", Objectives)
    app.add_directive("check-question", Question)
    app.add_node(CheckQuestion, html=(visit_question, depart_question))
    app.add_node(CheckOption, html=(visit_option, depart_option))
    app.add_node(CheckChoice, html=(visit_choice, depart_choice))
    app.add_css_file("questions.css")
    app.connect("html-page-context", add_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
