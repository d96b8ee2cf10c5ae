"""The outputs of a student's cell as inert markup, within bounds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from markupsafe import Markup
from nbconvert.filters.ansi import ansi2html

from grader.inert import HTML_CAP, IMAGES, image_data, only_colours
from grader.report.hidden import LeakGuard
from grader.report.markup import sanitise
from grader.report.text import as_text

TEXT_CAP = 20_000
"""Characters shown of one text output."""

IMAGE_CAP = 2 * 2**20
"""Bytes of one image."""

OUTPUTS_CAP = 40
"""Outputs shown of one cell."""

PAGE_CAP = 12 * 2**20
"""Characters of all outputs and images of one page."""

_CUT = Markup('<p class="cut">Output cut: {}.</p>')
_HIDDEN = "it quotes a hidden test"
_LIVE = {"image/svg+xml", "application/javascript", "text/javascript"}
_STYLE = re.compile(r' style="([^"]*)"')
_COLOUR = re.compile(r"(?<!-)color: rgb\((\d+),(\d+),(\d+)\)")
_ansi2html: Callable[[str], str] = ansi2html
_COLOURS = ("", "red", "green", "yellow", "blue", "magenta", "cyan", "")


@dataclass
class Budget:
    """What one page may still show; what goes beyond it is cut with a sentence."""

    left: int = PAGE_CAP

    def take(self, amount: int) -> bool:
        """Whether `amount` characters still fit; if so they are spent."""
        if amount > self.left:
            return False
        self.left -= amount
        return True


def render_outputs(
    outputs: object, *, label: str, budget: Budget, guard: LeakGuard
) -> Iterator[Markup]:
    """The outputs of one code cell, in order.

    Args:
        outputs: the list from notebook JSON; untrusted.
        label: names the cell in an image's description, such as "cell 5".
    """
    listed = outputs if isinstance(outputs, list) else []
    listed = [output for output in listed if isinstance(output, dict)]
    for output in listed[:OUTPUTS_CAP]:
        kind = output.get("output_type")
        if kind == "stream":
            stream = "stderr" if output.get("name") == "stderr" else "stdout"
            yield _text(as_text(output.get("text")), stream, budget, guard)
        elif kind == "error":
            yield _text(_traceback(output), "error", budget, guard)
        elif kind in ("display_data", "execute_result"):
            yield _rich(output.get("data"), label, budget, guard)
    if len(listed) > OUTPUTS_CAP:
        yield _CUT.format(f"the first {OUTPUTS_CAP} of {len(listed)} are shown")


def image_markup(kind: str, encoded: object, alt: str, budget: Budget) -> Markup:
    """An image carried in a notebook, once its data is what it says; else a sentence.

    Args:
        kind: its media type.
        encoded: base64 text; untrusted.
    """
    data = image_data(kind, as_text(encoded)[: 2 * IMAGE_CAP])
    if not data:
        return _CUT.format("the image's data is damaged, or not of the kind that it says")
    if 3 * len(data) > 4 * IMAGE_CAP or not budget.take(len(data)):
        return _CUT.format("the image is too large")
    # Encoded anew: what reaches the page is our own base64 and nothing else.
    return Markup('<img src="data:{};base64,{}" alt="{}">').format(kind, data, alt)


def attached_image(
    attachments: Mapping[str, Mapping[str, object]], url: str, alt: str, budget: Budget
) -> Markup:
    """An image in Markdown: one that came with the cell is shown, any other only named."""
    data = attachments.get(url.removeprefix("attachment:"), {})
    kind = next((kind for kind in IMAGES if kind in data), None)
    if not url.startswith("attachment:") or kind is None:
        return Markup('<span class="cut">[image: {}]</span>').format(alt or "not shown")
    return image_markup(kind, data[kind], alt, budget)


def coloured(text: str) -> Markup:
    """Text with ANSI colours as classes; other escape sequences and controls are removed."""
    # nbconvert's filter escapes the text and reads the colours
    return Markup(_STYLE.sub(_as_class, _ansi2html(only_colours(text))))  # noqa: S704


def _as_class(match: re.Match[str]) -> str:
    """The nearest of the named colours, which the page draws for a light and a dark ground."""
    colour = _COLOUR.search(match[1])
    if colour is None:
        return ""
    channels = [int(value) for value in colour.groups()]
    strong = [value > 0.6 * max(channels) for value in channels]
    name = _COLOURS[sum(bit << place for place, bit in enumerate(strong))]
    return f' class="ansi-{name}-fg"' if name else ""


def _text(text: str, css: str, budget: Budget, guard: LeakGuard) -> Markup:
    if guard.shows_hidden(text[: TEXT_CAP + 1000]):
        return _CUT.format(_HIDDEN)
    shown = text[:TEXT_CAP]
    if not budget.take(len(shown)):
        return _CUT.format("this page is full")
    # A progress bar rewrites its line: what it wrote last is what the student saw.
    shown = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in shown.split("\n"))
    body = Markup('<pre class="out {}">{}</pre>').format(css, coloured(shown.rstrip("\n")))
    cut = f"the first {TEXT_CAP:,} of {len(text):,} characters are shown"
    return body + (_CUT.format(cut) if len(text) > TEXT_CAP else "")


def _traceback(output: Mapping[str, object]) -> str:
    lines = output.get("traceback")
    frames = [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []
    return "\n".join(frames) or f"{as_text(output.get('ename'))}: {as_text(output.get('evalue'))}"


def _rich(data: object, label: str, budget: Budget, guard: LeakGuard) -> Markup:
    data = data if isinstance(data, dict) else {}
    for kind in IMAGES:
        if kind in data:
            return image_markup(kind, data[kind], f"Figure from {label}", budget)
    html = as_text(data.get("text/html"))
    if html and len(html) <= HTML_CAP and budget.take(len(html)):
        safe = sanitise(html)
        if guard.shows_hidden(safe, markup=True):
            return _CUT.format(_HIDDEN)
        if safe.striptags():
            return Markup('<div class="out html">{}</div>').format(safe)
    text = as_text(data.get("text/plain"))
    if text:
        return _text(text, "result", budget, guard)
    if _LIVE & data.keys() or html:
        return _CUT.format("it holds something that is drawn by a program, which is not shown here")
    return _CUT.format("it is of a kind that is not shown here")
