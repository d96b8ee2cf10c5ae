"""Untrusted text, HTML and notebook cells made so that they cannot act on whoever looks at them.

Two kinds of page show a student's notebook: the feedback pages of `report`, and every program
that opens autograded/, such as Formgrader, which runs in the instructor's session. nbconvert puts
raw cells, LaTeX, image data and links of Markdown on a page as they are, so what is written there
is made inert first.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import nh3

HTML_CAP = 100_000
"""Characters of an HTML output, such as a table; a longer one is left out."""

TAGS_CAP = 8_000
"""Tags of an HTML output. A browser's rules for unclosed tags multiply what few bytes say."""

IMAGES = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
}
"""Kinds of image that are shown, and how their data begin."""

# Other escape sequences than CSI (operating system commands, character sets): nothing to show.
_OTHER_ESCAPES = re.compile(r"\x1b(?:[\]PX^_][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?|[()*+#%][ -~]?)")
_CSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_COLOUR = re.compile(r"\x1b\[([0-9;]{0,40})m")
# Controls, the marks that turn the direction of text around, and halves of surrogate pairs.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]{0,15})((?:\s[^<>]*)?)/?>")
_SPAN = re.compile(r"""\s(colspan|rowspan)=["']?([1-9][0-9]?)["']?(?=[\s/]|$)""", re.IGNORECASE)
_SPANS = {str(number) for number in range(1, 101)}
_CLEANER = nh3.Cleaner(
    tags={
        *("b", "blockquote", "br", "caption", "code", "dd", "del", "div", "dl", "dt", "em"),
        *("h3", "h4", "h5", "h6", "hr", "i", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q"),
        *("s", "samp", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot"),
        *("th", "thead", "tr", "u", "ul", "var"),
    },
    clean_content_tags={
        *("script", "style", "title", "template", "noscript", "iframe", "object", "embed"),
        *("svg", "math", "textarea", "select", "audio", "video"),
    },
    attributes={"td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}},
    attribute_filter=lambda _tag, _name, value: value if value in _SPANS else None,
    link_rel=None,
    url_schemes=set(),
)

_TEX_THAT_ACTS = re.compile(
    r"\\(href|url|class|cssId|style|require|data|html|mmlToken)(?![A-Za-z])"
)
_OPENS_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LINK = re.compile(r"\](?:\(([^\s)]*)|:(?!\s*https?://))")
_REMOTE_IMAGE = re.compile(r"!(?=\[[^\[\]]{0,200}\](?:\(\s*https?:|\[))")
_LEADS_AWAY = re.compile(r"https?://|#")
_ATTACHED = "attachment:"
_FENCE = re.compile(
    r"(?m)(?<![`~])(`{3,}|~{3,})[ \t]*(?!(?:i?python3?|py|bash|text|json|r|sql)\b)[^\s`~].*$"
)


def clean(text: str) -> str:
    """`text` without escape sequences and control characters; tabs and line ends stay."""
    return without_controls(_CSI.sub("", without_other_escapes(text)))


def without_other_escapes(text: str) -> str:
    """`text` without the escape sequences of a terminal that do not set colours."""
    return _OTHER_ESCAPES.sub("", text)


def without_controls(text: str) -> str:
    """`text` without control characters, an escape that begins a sequence included."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))


def only_colours(text: str) -> str:
    """`text` cleaned, but for the escape sequences that set colours and are well-formed.

    nbconvert's reader of colours takes any, and fails on one that breaks off.
    """
    pieces = _COLOUR.split(without_other_escapes(text))
    # every second piece is what stood between `\x1b[` and `m`
    return "".join(
        (f"\x1b[{piece}m" if _is_colour(piece) else "") if at % 2 else clean(piece)
        for at, piece in enumerate(pieces)
    )


def _is_colour(parameters: str) -> bool:
    numbers = [int(number or "0") for number in parameters.split(";")]
    while numbers:
        first = numbers.pop(0)
        if first in (38, 48):
            many = {5: 1, 2: 3}.get(numbers.pop(0) if numbers else 0, 0)
            channels, numbers = numbers[:many], numbers[many:]
            if not many or len(channels) < many or max(channels) > 255:
                return False
    return True


def sanitise(markup: str) -> str:
    """HTML as text and tables only: no scripts, styles, links, forms, images, classes or ids.

    Returns "" for more than can be read in little time and memory.
    """
    if len(markup) > HTML_CAP or markup.count("<") > TAGS_CAP:
        return ""
    # Attributes go first: a parser copies each open tag into each new block, and takes two that
    # differ in an attribute for two.
    return _CLEANER.clean(_TAG.sub(_bare, clean(markup)))


def _bare(tag: re.Match[str]) -> str:
    spans = "".join(f' {name}="{value}"' for name, value in _SPAN.findall(tag[3]))
    return f"<{tag[1]}{tag[2]}{spans}>"


def inert_markdown(text: str, attached: Collection[str] = ()) -> str:
    """Markdown that means the same, but for tags, links that act and TeX that makes either.

    nbconvert shows HTML in Markdown as it is, follows links of every scheme, and draws nothing of
    a notebook that shows an attachment which is not there.

    Args:
        text: a student's.
        attached: names of the cell's attachments.
    """

    def link(found: re.Match[str]) -> str:
        to = found[1] or ""
        name = to.removeprefix(_ATTACHED)
        stays = name in attached if name != to else _LEADS_AWAY.match(to)
        return found[0] if stays else f"] {found[0][1:]}"

    text = _OPENS_TAG.sub("< ", _FENCE.sub(r"\1", without_controls(text)))
    # an image of another host would tell it who looks, and when
    return _LINK.sub(link, _REMOTE_IMAGE.sub("", inert_tex(text)))


def inert_tex(text: str) -> str:
    """Text in which MathJax finds no command that makes links, classes or styles."""
    return _TEX_THAT_ACTS.sub(r"\\text{\1}", text)


def image_data(kind: str, encoded: object) -> str:
    """Base64 of an image, encoded anew; "" where the data are not what `kind` says."""
    text = "".join(encoded) if isinstance(encoded, list) else encoded
    if kind not in IMAGES or not isinstance(text, str):
        return ""
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return base64.b64encode(data).decode("ascii") if data.startswith(IMAGES[kind]) else ""


def inert_cells(cells: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Cells of an executed notebook as any viewer may show them.

    Code and locked text stay as they are; a student's text, and every output, cannot act.
    """
    for cell in cells:
        kept = dict(cell)
        if cell["cell_type"] == "code":
            kept["outputs"] = [made for output in cell["outputs"] if (made := _output(output))]
        elif not cell["metadata"].get("nbgrader", {}).get("locked"):
            images = _attachments(kept.pop("attachments", {}))
            kept |= {"attachments": images} if images else {}
            kept["source"] = (
                html.escape(cell["source"])
                if cell["cell_type"] == "raw"
                else inert_markdown(cell["source"], images)
            )
        yield kept


def _output(output: Mapping[str, Any]) -> dict[str, Any]:
    """An output of a valid notebook, inert; {} where nothing of it can be shown."""
    kind = output["output_type"]
    if kind == "stream":
        name = "stderr" if output["name"] == "stderr" else "stdout"
        return {"output_type": kind, "name": name, "text": only_colours(output["text"])}
    if kind == "error":
        texts = {key: clean(output[key]) for key in ("ename", "evalue")}
        frames = [only_colours(frame) for frame in output["traceback"]]
        return {"output_type": kind, **texts, "traceback": frames}
    data = _bundle(output["data"])
    if not data:
        return {}
    kept: dict[str, Any] = {"output_type": kind, "data": data, "metadata": {}}
    return kept | ({"execution_count": None} if kind == "execute_result" else {})


def _bundle(data: Mapping[str, Any]) -> dict[str, str]:
    """What a display may show, by media type."""
    kept = {kind: made for kind in IMAGES if (made := image_data(kind, data.get(kind)))}
    text, markup, tex = (data.get(f"text/{kind}") for kind in ("plain", "html", "latex"))
    if isinstance(markup, str) and (made := inert_tex(sanitise(markup))):
        kept["text/html"] = made
    if isinstance(tex, str):
        kept["text/latex"] = inert_tex(_OPENS_TAG.sub("< ", clean(tex)))
    if isinstance(text, str):
        kept["text/plain"] = only_colours(text)
    return kept


def _attachments(attachments: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    made = {
        name: {kind: data for kind in bundle if (data := image_data(kind, bundle[kind]))}
        for name, bundle in attachments.items()
    }
    return {name: bundle for name, bundle in made.items() if bundle}
