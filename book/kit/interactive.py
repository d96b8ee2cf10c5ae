"""Explorables: what a chapter computed, what stands in without scripts, and their name.

`interactive("name", ...)` leaves room on the page for what `figure("name", ...)` in the chapter's
figure.js builds from the data. Where scripts do not run, as in a downloaded notebook, the still is
shown.
"""

from __future__ import annotations

import html
import json
import math
import re
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from bookfigures import to_svg
from IPython.display import display


def _plain(value: Any, digits: int) -> Any:
    """Data as JSON has it: arrays and tensors as lists, floats with `digits` leading digits."""
    if isinstance(value, dict):
        return {str(key): _plain(item, digits) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, digits) for item in value]
    if isinstance(value, (str, bool, int)) or value is None:
        return value
    if isinstance(value, (float, np.floating)):
        if not math.isfinite(value):
            raise ValueError(f"the data of an explorable holds {value}; use None for a gap")
        short = float(f"{float(value):.{digits}g}")
        return int(short) if short.is_integer() and abs(short) < 2**53 else short
    if hasattr(value, "tolist"):
        return _plain(value.tolist(), digits)
    raise TypeError(
        f"the data of an explorable holds a {type(value).__name__}; "
        "give numbers, strings, lists, dicts and arrays"
    )


def interactive(
    name: str,
    *,
    data: Any,
    label: str,
    still: plt.Figure | str,
    alt: str = "",
    digits: int = 6,
) -> None:
    """Show an explorable.

    Args:
        name: the name under which figure.js registers it: letters, digits and hyphens.
        data: what figure.js receives: numbers, strings, arrays, and lists and dicts of these.
        label: what it is, for a screen reader and in a printed notebook.
        still: a Matplotlib figure, which is closed, or HTML, for readers without scripts.
        alt: text alternative of the figure; say what it shows.
        digits: leading digits that are kept of each float.

    Raises:
        ValueError: a name or label is not usable, a figure has no alt, or a number is not finite.
        TypeError: the data holds something that is no data.
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise ValueError(f"{name!r} is no name of an explorable: use letters, digits and hyphens")
    if not label.strip():
        raise ValueError(f"the explorable {name!r} needs a label that says what it is")
    if isinstance(still, plt.Figure):
        if not alt.strip():
            raise ValueError(f"the still of {name!r} is a figure: say in alt= what it shows")
        figure, still = still, to_svg(still, alt, f"{name}-still")
        plt.close(figure)
    text = json.dumps(_plain(data, digits), ensure_ascii=False, separators=(",", ":"))
    markup = (
        f'<div class="interactive" data-figure="{name}" role="group" '
        f'aria-label="{html.escape(label, quote=True)}">'
        f'<div class="interactive-still">{still}</div><div class="interactive-stage" hidden></div>'
        f'<script type="application/json">{text.replace("<", chr(92) + "u003c")}</script></div>'
    )
    display({"text/html": markup, "text/plain": f"[interactive] {label}"}, raw=True)
