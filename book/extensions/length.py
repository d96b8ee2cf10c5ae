"""How long a chapter is: words, displayed equations and lines of code, and the time to read them.

Counted is what a reader meets: paragraphs, lists, tables, headings, captions, exercises, questions
and their options; a formula within a sentence is one word. What unfolds is counted apart: solutions
of exercises, explanations of answers, folded code. What code prints is not counted, nor are the
comparisons with printed numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from boxes import CheckChoice, CheckOption
from docutils import nodes

FOLDED = {"dropdown", "tag_hide-input", "tag_hide-cell"}


class Length(NamedTuple):
    """Words of text, displayed equations, and lines of code that are not empty."""

    words: int = 0
    equations: int = 0
    code_lines: int = 0

    @property
    def minutes(self) -> int:
        """Minutes to read, rounded to five.

        200 words a minute, 20 seconds for a displayed equation, 4 seconds for a line of code.
        """
        return 5 * round((self.words / 200 + self.equations / 3 + self.code_lines / 15) / 5)

    def plus(self, node: nodes.Node) -> Length:
        """With what one block of the page adds."""
        if isinstance(node, nodes.math_block):
            return self._replace(equations=self.equations + 1)
        if isinstance(node, nodes.literal_block):
            lines = sum(1 for line in node.astext().splitlines() if line.strip())
            return self._replace(code_lines=self.code_lines + lines)
        return self._replace(words=self.words + words_of(node))


def words_of(node: nodes.Node) -> int:
    """Words of a block of text; a formula in it is one."""
    if isinstance(node, nodes.math):
        return 1
    if isinstance(node, nodes.Text):
        return sum(any(map(str.isalnum, word)) for word in node.astext().split())
    return sum(words_of(child) for child in node.children)


def blocks(doctree: nodes.document) -> Iterator[nodes.Node]:
    """Blocks of text, equations and code, none inside another."""
    for node in doctree.findall(nodes.TextElement):
        inside = isinstance(node.parent, nodes.TextElement)
        if not inside and not isinstance(node, nodes.Inline | nodes.Invisible | nodes.raw):
            yield node


def lies(node: nodes.Node) -> str:
    """Where a block lies: "seen", "folded", or "apart" if it is not counted."""
    place = "seen"
    above: nodes.Node | None = node
    while above is not None:
        classes = set(above.get("classes", ())) if isinstance(above, nodes.Element) else set()
        of_code = "cell_output" in classes and not isinstance(node, nodes.caption)
        if of_code or "reproduced" in classes:
            return "apart"
        explains = isinstance(above, CheckOption) and not isinstance(node, CheckChoice)
        code_folds = "tag_hide-input" in classes and isinstance(node, nodes.caption)
        if explains or (FOLDED & classes and not code_folds):
            place = "folded"
        above = above.parent
    return place


def length_of(doctree: nodes.document) -> tuple[Length, Length]:
    """What a reader meets on a page without unfolding anything, and what unfolds."""
    found = {"seen": Length(), "folded": Length()}
    for block in blocks(doctree):
        if (place := lies(block)) in found:
            found[place] = found[place].plus(block)
    return found["seen"], found["folded"]


def reading_time(doctree: nodes.document) -> str:
    """The time that a page takes, in words."""
    seen, folded = length_of(doctree)
    more = f", {folded.minutes} more with what is folded" if folded.minutes else ""
    return f"About {max(5, seen.minutes)} minutes to read{more}"
