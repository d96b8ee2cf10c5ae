"""Formulas in Markdown as MathML, which browsers draw without a script."""

from __future__ import annotations

import html
import re
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element
from markupsafe import Markup, escape

TEX_CAP = 2000
"""Characters of one formula that are converted; a longer one is shown as it was typed."""

_TAGS = {
    *("math", "menclose", "mfrac", "mi", "mn", "mo", "mover", "mpadded", "mphantom", "mroot"),
    *("mrow", "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext"),
    *("mtr", "munder", "munderover"),
}
_ATTRIBUTES = {
    *("accent", "columnalign", "columnspacing", "depth", "display", "displaystyle", "fence"),
    *("form", "height", "linethickness", "lspace", "mathvariant", "maxsize", "minsize"),
    *("movablelimits", "notation", "rowspacing", "rspace", "scriptlevel", "separator"),
    *("stretchy", "symmetric", "width"),
}
_VALUE = re.compile(r"[\w .%+-]{1,40}\Z")
_PRIMES = {f"&#x0{code};" for code in ("2032", "2033", "2034", "2057")}
# The converter knows these only by the names that they have outside of a formula.
_INNER = re.compile(r"\\(begin|end)\{(?:aligned|gathered|split)\}")


def formula(tex: str, *, display: bool) -> Markup:
    """`tex` as MathML, or as it was typed where it cannot be converted.

    The converter does not escape what it reads, so its tree is written out here, with nothing
    but presentation elements and harmless attributes.

    Args:
        tex: untrusted TeX without its dollars.
        display: on a line of its own.
    """
    kind = "display" if display else ""
    typed = Markup('<code class="tex {}">{}</code>').format(kind, tex.strip())
    if len(tex) > TEX_CAP:
        return typed
    try:
        source = _INNER.sub(r"\\\1{align*}", tex)
        tree = convert_to_element(source, display="block" if display else "inline")
        return _written(tree)
    except Exception:  # hostile TeX: whatever breaks the converter, its text can be shown
        return typed


def _written(element: Element) -> Markup:
    """`element` as markup; raises ValueError for what is not presentation, or unknown TeX."""
    if element.tag not in _TAGS:
        raise ValueError(element.tag)
    text = html.unescape(element.text or "")
    if text.startswith("\\") or text == "&":
        raise ValueError(text)
    attributes = Markup().join(
        Markup(' {}="{}"').format(name, value)
        for name, value in element.attrib.items()
        if name in _ATTRIBUTES and _VALUE.match(value)
    )
    if element.tag == "msup" and element[1].text in _PRIMES:
        # A prime is a raised sign already; as an exponent of an index it shrinks to a speck.
        return Markup('<mrow>{}<mo lspace="0" rspace="0">{}</mo></mrow>').format(
            _written(element[0]), html.unescape(element[1].text or "")
        )
    inner = escape(text) + Markup().join(_written(child) for child in element)
    return Markup("<{0}{1}>{2}</{0}>").format(element.tag, attributes, inner)
