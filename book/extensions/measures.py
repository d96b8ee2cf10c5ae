"""What the standard of a chapter says in figures, measured when the page is built.

One file a chapter, _build/measures/<part>/<chapter>.json, for the tests that hold the budgets: what
a reader meets (length.py), the CPU seconds of the kernel when the chapter was executed, and the
parts that every chapter has. Nothing here judges.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boxes import CheckQuestion
from chapters import DOCNAME, modules_of
from docutils import nodes
from length import blocks, length_of, lies, words_of
from sphinx.application import Sphinx
from sphinx_exercise.nodes import exercise_enumerable_node, exercise_node

CPU = "cpu_seconds"  # in the record of an executed chapter, and in its measures
DRAWN = re.compile(r'<svg class="bookfigure|<table class="heatgrid|<div class="interactive"')
EXPLORABLE = '<div class="interactive"'
DIFFICULTY = re.compile(r"\bDifficulty [1-5]\b")


def outputs(doctree: nodes.document) -> Iterator[str]:
    """The HTML that code cells show."""
    for node in doctree.findall(nodes.raw):
        if node.get("format") == "html":
            yield node.astext()


def words_before_drawing(doctree: nodes.document) -> int | None:
    """Words that a reader meets before the first figure, grid or explorable; None without one."""
    counted = set(map(id, blocks(doctree)))
    words = 0
    for node in doctree.findall():
        shown = isinstance(node, nodes.raw) and DRAWN.search(node.astext())
        if shown or isinstance(node, nodes.image):
            return words
        code_or_formula = isinstance(node, nodes.literal_block | nodes.math_block)
        if id(node) in counted and not code_or_formula and lies(node) == "seen":
            words += words_of(node)
    return None


def exercises(doctree: nodes.document) -> tuple[int, int]:
    """How many exercises a chapter has, and how many of them say how difficult they are."""
    found = [
        node.astext()
        for kind in (exercise_node, exercise_enumerable_node)
        for node in doctree.findall(kind)
    ]
    return len(found), sum(bool(DIFFICULTY.search(text)) for text in found)


def measured(doctree: nodes.document, code: list[str]) -> dict[str, Any]:
    """The figures of a page as it is read.

    Args:
        doctree: the page.
        code: source of each of its code cells.
    """
    seen, folded = length_of(doctree)
    code_lines = [
        line
        for node in doctree.findall(nodes.literal_block)
        if isinstance(node.parent, nodes.Element)
        and "cell_input" in node.parent.get("classes", ())
        and lies(node) != "apart"
        for line in node.astext().splitlines()
    ]
    kit, libraries = modules_of(code)
    n_exercises, n_rated = exercises(doctree)
    return {
        "words": seen.words,
        "equations": seen.equations,
        "code_lines": seen.code_lines,
        "code_columns": max(map(len, code_lines), default=0),
        "folded_words": folded.words,
        "folded_code_lines": folded.code_lines,
        "torch": "torch" in libraries,
        "words_before_drawing": words_before_drawing(doctree),
        "diagrams": "diagrams" in kit,
        "explorables": sum(text.count(EXPLORABLE) for text in outputs(doctree)),
        "check_questions": len(list(doctree.findall(CheckQuestion))),
        "exercises": n_exercises,
        "exercises_with_difficulty": n_rated,
        "sections": [
            title.astext()
            for title in doctree.findall(nodes.title)
            if isinstance(title.parent, nodes.section)
        ],
        "assignment": any(
            "assignment" in box.get("classes", ()) for box in doctree.findall(nodes.container)
        ),
    }


def write(app: Sphinx, docname: str, record: dict[str, Any]) -> None:
    """Write a chapter's measures, with the CPU that its run took.

    Args:
        app: Sphinx.
        docname: the chapter.
        record: what the cache of executed chapters says about it; empty if it was not executed.
    """
    place = DOCNAME.fullmatch(docname)
    if place is None:
        raise ValueError(f"{docname} is no chapter")
    target = Path(app.outdir).parent / "measures" / place["part"] / f"{place['slug']}.json"
    found = app.env.metadata[docname]["measures"] | {CPU: record.get(CPU)}
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
