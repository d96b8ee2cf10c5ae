"""Grids of numbers as coloured HTML tables.

A table keeps its numbers readable on a small screen, in both colour schemes and by a screen reader.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from IPython.display import display


@dataclass(frozen=True)
class Grid:
    """One grid to show.

    Attributes:
        title: caption of the grid, plain text.
        values: (n_rows, n_columns) numbers; NaN is a cell that nobody can enter.
        marks: (n_rows, n_columns) short strings under the numbers, such as arrows; or None.
    """

    title: str
    values: np.ndarray
    marks: np.ndarray | None = None


def _cells(grid: Grid, low: float, high: float, decimals: int) -> list[tuple[str, str, str, str]]:
    """Text, mark, background colour and ink of each cell, row by row."""
    colormap = mpl.colormaps["viridis"]
    marks = np.full(grid.values.shape, "") if grid.marks is None else grid.marks
    cells = []
    for value, mark in zip(np.ravel(grid.values), np.ravel(marks), strict=True):
        if np.isnan(value):
            cells.append(("", "", "", ""))
            continue
        share = 0.5 if high == low else float(np.clip((value - low) / (high - low), 0, 1))
        colour = colormap(0.12 + 0.83 * share)
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
        luminance = float(np.dot([0.2126, 0.7152, 0.0722], linear))
        ink = "#000" if luminance > 0.179 else "#fff"
        text = f"{round(float(value), decimals) + 0.0:.{decimals}f}"
        text = text.replace("-", "\N{MINUS SIGN}")
        cells.append((text, str(mark), mpl.colors.to_hex(colour), ink))
    return cells


def _table(grid: Grid, low: float, high: float, decimals: int) -> str:
    cells = iter(_cells(grid, low, high, decimals))
    rows = []
    for _ in range(grid.values.shape[0]):
        row = []
        for _ in range(grid.values.shape[1]):
            text, mark, colour, ink = next(cells)
            if not text:
                row.append('<td class="wall"><span class="visually-hidden">wall</span></td>')
                continue
            arrow = f"<i>{html.escape(mark)}</i>" if grid.marks is not None else ""
            row.append(
                f'<td style="background-color:{colour};color:{ink}"><b>{text}</b>{arrow}</td>'
            )
        rows.append(f"<tr>{''.join(row)}</tr>")
    caption = f"<caption>{html.escape(grid.title)}</caption>"
    return f'<table class="heatgrid">{caption}<tbody>{"".join(rows)}</tbody></table>'


def _limits(grids: Sequence[Grid]) -> tuple[float, float]:
    values = np.concatenate([np.ravel(grid.values) for grid in grids])
    return float(np.nanmin(values)), float(np.nanmax(values))


def tables(grids: Sequence[Grid], *, decimals: int = 1) -> str:
    """Grids side by side on one colour scale, as HTML; they wrap on a narrow screen."""
    low, high = _limits(grids)
    markup = "".join(_table(grid, low, high, decimals) for grid in grids)
    return f'<div class="heatgrids">{markup}</div>'


def panels(grids: Sequence[Grid], *, decimals: int = 1) -> None:
    """Show grids side by side."""
    text = "\n\n".join(f"{g.title}\n{np.round(g.values, decimals)}" for g in grids)
    display({"text/html": tables(grids, decimals=decimals), "text/plain": text}, raw=True)
