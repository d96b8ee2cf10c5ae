"""Finds hidden lines of tests in what students would see of a notebook's outputs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from grader.inert import clean

_TELLING = 16
"""Characters other than spaces that make a line telling; shorter ones are in every program."""

_TAG = re.compile(r"<[^<>]*>")
_SPACE = re.compile(r"\s+")
_ESCAPED = re.compile(r"\\(.)")


class LeakGuard:
    """Knows the hidden lines of one notebook and finds them in what would be shown.

    A student's code runs beside the tests, so it can print their text from IPython's history or
    from a frame. Whoever encodes it first gets past this; a traceback or a plain print does not.

    Args:
        tests: the full sources of the test cells.
        visible: all sources that the student may see.
    """

    def __init__(self, tests: Iterable[str], visible: Iterable[str]) -> None:
        seen = {_pressed(line) for source in visible for line in source.splitlines()}
        lines = {_pressed(line) for source in tests for line in source.splitlines()}
        self._lines = [line for line in lines - seen if len(line) >= _TELLING]

    def shows_hidden(self, text: str, *, markup: bool = False) -> bool:
        """Whether `text` quotes a hidden line, spaces, colours and escapes aside.

        Args:
            markup: `text` is HTML, and is judged by what a reader would see of it.
        """
        if not self._lines:
            return False
        text = html.unescape(_TAG.sub("", text)) if markup else text
        pressed = _pressed(clean(text))
        unescaped = _ESCAPED.sub(r"\1", pressed)
        return any(line in pressed or line in unescaped for line in self._lines)


def _pressed(text: str) -> str:
    return _SPACE.sub("", text)
