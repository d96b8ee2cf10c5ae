"""Untrusted source, Markdown and HTML turned into markup that cannot act."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup, escape
from mistune import HTMLRenderer
from nbconvert.filters.markdown_mistune import MarkdownWithMath
from pygments import highlight  # type: ignore[import-untyped]  # it ships no types
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]  # it ships no types
from pygments.lexers import PythonLexer  # type: ignore[import-untyped]  # it ships no types

from grader import inert
from grader.inert import clean
from grader.report.formulas import formula

SOURCE_CAP = 40_000
"""Characters of one cell's source that are shown."""

MARKDOWN_CAP = 20_000
"""Characters of Markdown that are parsed; more is shown as plain text."""

_PYTHON = {"py", "python", "python3", "ipython", "ipython3"}
_HEADINGS_BELOW = 2
"""Levels that a notebook's headings move down, because the page has its own above them."""

_LEXER = PythonLexer(stripnl=False)
_FORMATTER = HtmlFormatter(nowrap=True)


def sanitise(html: str) -> Markup:
    """`html` as text and tables only; nothing of more than can be read in little time."""
    return Markup(inert.sanitise(html))  # noqa: S704  (nh3 made it safe)


def highlighted(source: str) -> Markup:
    """Python source with its tokens in classes of Pygments, for a `<pre>`."""
    # Pygments goes over blank space again and again
    lines = clean(source[:SOURCE_CAP]).strip("\n").split("\n")
    shown = "\n".join(line.rstrip() for line in lines)
    if not shown:
        return Markup()
    body = Markup(highlight(shown, _LEXER, _FORMATTER))  # noqa: S704  (Pygments escapes)
    return body + escape("\n… cut here" if len(source) > SOURCE_CAP else "")


def plain(text: str) -> Markup:
    """`text` as it was typed."""
    cut = "\n… cut here" if len(text) > SOURCE_CAP else ""
    return Markup('<pre class="plain">{}</pre>').format(clean(text[:SOURCE_CAP]) + cut)


def markdown(source: str, image: Callable[[str, str], Markup]) -> Markup:
    """A Markdown cell, its formulas as MathML, because the page runs no script.

    Args:
        source: untrusted Markdown, with the HTML that it may contain.
        image: gives the markup for an image's address and description.
    """
    if len(source) > MARKDOWN_CAP:
        return plain(source)
    renderer = _Renderer(image)
    try:
        html = MarkdownWithMath(renderer).render(clean(source))
    except Exception:  # hostile Markdown: whatever breaks the parser, its text can be shown
        return plain(source)
    return renderer.put_back(str(sanitise(html)))


class _Renderer(HTMLRenderer):
    """HTML for the sanitiser; what must survive it is kept aside behind a mark.

    The mark is random, since the Markdown can write any character that we could reserve.
    """

    def __init__(self, image: Callable[[str, str], Markup]) -> None:
        super().__init__(escape=False)
        self._image = image
        self._kept: list[Markup] = []
        self._mark = secrets.token_hex(16)

    def put_back(self, html: str) -> Markup:
        """Sanitised `html` with the kept fragments in their places."""
        first, *rest = html.split(self._mark)
        # Fragments come in pairs of marks around their number.
        for index, piece in enumerate(rest):
            first += piece if index % 2 else str(self._kept[int(piece)])
        return Markup(first)  # noqa: S704  (sanitised, and our own fragments)

    def _keep(self, fragment: Markup) -> str:
        self._kept.append(fragment)
        return f"{self._mark}{len(self._kept) - 1}{self._mark}"

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        level = min(6, level + _HEADINGS_BELOW)
        return f"<h{level}>{text}</h{level}>\n"

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return text

    def image(self, text: str, url: str, title: str | None = None) -> str:
        alt = Markup(text.replace(self._mark, "")).striptags()  # noqa: S704  (made plain text)
        return self._keep(self._image(url, alt))

    def block_code(self, code: str, info: str | None = None) -> str:
        language = (info or "").split(maxsplit=1)[0].lower() if (info or "").strip() else ""
        body = highlighted(code) if language in _PYTHON else escape(code)
        return self._keep(Markup('<pre class="code">{}</pre>').format(body))

    def block_math(self, body: str) -> str:
        return self._keep(formula(body, display=True))

    def inline_math(self, body: str) -> str:
        return self._keep(formula(body, display=False))

    def latex_environment(self, name: str, body: str) -> str:
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")


def attached_images(attachments: object) -> Mapping[str, Mapping[str, object]]:
    """A cell's attachments by name, whatever the notebook put there."""
    if not isinstance(attachments, dict):
        return {}
    return {name: data for name, data in attachments.items() if isinstance(data, dict)}
