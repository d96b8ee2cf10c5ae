"""Matplotlib figures that read well on a light and on a dark page.

Lines and text take the colour of the text around them; data keeps mid-tone colours that have a
contrast of at least 3 to 1 with both backgrounds.
"""

from __future__ import annotations

import html
import io
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
from IPython.display import display

BLUE, ORANGE, GREEN, PURPLE, RED, GREY = COLOURS = (
    "#3a86c8",
    "#d2691e",
    "#2e9d63",
    "#9a6fd0",
    "#e0524d",
    "#858c96",
)
INK = "#010203"  # stands for "the colour of the text", replaced when the figure is shown


def use_book_style() -> None:
    """Set Matplotlib's defaults for this book: transparent, sparse, text kept as text."""
    mpl.rcParams.update(
        {
            "axes.edgecolor": INK,
            "axes.grid": True,
            "axes.labelcolor": INK,
            "axes.prop_cycle": mpl.cycler(color=COLOURS),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlecolor": INK,
            "axes.titlesize": 11,
            "figure.constrained_layout.use": True,
            "figure.figsize": (5.6, 3.3),
            "font.family": "sans-serif",
            "font.size": 11,
            "grid.alpha": 0.35,
            "grid.color": GREY,
            "grid.linewidth": 0.6,
            "legend.frameon": False,
            "lines.linewidth": 1.8,
            "savefig.transparent": True,
            "svg.fonttype": "none",
            "svg.hashsalt": "book",
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
        }
    )


use_book_style()


def to_svg(figure: plt.Figure, alt: str, prefix: str) -> str:
    """A figure as one inline SVG element with a text alternative.

    Args:
        figure: the Matplotlib figure.
        alt: what a reader who cannot see the figure needs to know.
        prefix: put in front of every id, so that two figures on one page do not collide.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = svg.replace(INK, "currentColor")
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = re.sub(r'((?:xlink:)?href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    label = html.escape(alt, quote=True)
    return svg.replace("<svg ", f'<svg class="bookfigure" role="img" aria-label="{label}" ', 1)


def show(figure: plt.Figure, *, name: str, alt: str) -> None:
    """Display a figure in the page and close it.

    Args:
        figure: the Matplotlib figure.
        name: short, unique in the chapter, letters, digits and hyphens.
        alt: the text alternative; say what the figure shows, not that it is a figure.
    """
    markup = to_svg(figure, alt, name)
    plt.close(figure)
    display({"text/html": markup, "text/plain": f"[figure] {alt}"}, raw=True)
