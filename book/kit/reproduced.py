"""Declare a printed number that a chapter recomputes; a mismatch stops the chapter.

The declaration travels inside the cell's HTML output, so it survives in the execution cache.
book/extensions/ledger.py reads it back when the book is built and fills the ledger page.
"""

from __future__ import annotations

import html
import json
import re

import numpy as np
from IPython.display import display

ENTRY_ATTRIBUTE = "data-reproduced"


class NotReproducedError(AssertionError):
    """The recomputed number lies outside its stated tolerance of the printed one."""


def largest_difference(expected, ours) -> float:
    """Largest absolute difference between two arrays of the same shape.

    Raises:
        ValueError: the shapes differ, an array is empty, or a value is not finite.
    """
    expected, ours = np.asarray(expected, dtype=float), np.asarray(ours, dtype=float)
    if expected.shape != ours.shape:
        raise ValueError(f"printed numbers have shape {expected.shape}, ours {ours.shape}")
    if expected.size == 0:
        raise ValueError("there is no number to compare")
    if not (np.isfinite(expected).all() and np.isfinite(ours).all()):
        raise ValueError("every number must be finite")
    return float(np.abs(expected - ours).max())


def within(difference: float, tolerance: float) -> bool:
    """Whether a difference is inside the tolerance, the boundary included.

    The slack of 1e-9 is for ties: 1.75 printed as 1.7 differs by 0.05 plus one rounding error.
    """
    return difference <= tolerance + 1e-9


def format_values(values, decimals: int) -> str:
    """Numbers as text with true minus signs; a matrix by rows, a list five to a line."""
    array = np.round(np.atleast_1d(np.asarray(values, dtype=float)), decimals) + 0.0
    per_line = array.shape[-1] if array.ndim > 1 else 5
    texts = [f"{x:.{decimals}f}" for x in array.ravel()]
    lines = (" ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line))
    return "\n".join(lines).replace("-", "\N{MINUS SIGN}")


def decimals_of(tolerance: float) -> int:
    """Decimals that show a difference of the size of the tolerance: 0.05 needs 2."""
    return 6 if tolerance <= 0 else max(0, min(8, int(np.ceil(-np.log10(tolerance)))))


def printed_decimals(values) -> int:
    """Fewest decimals that lose nothing of the printed numbers."""
    array = np.asarray(values, dtype=float)
    return next((d for d in range(8) if np.array_equal(np.round(array, d), array)), 8)


def slug(label: str) -> str:
    """A label as an HTML id."""
    return "reproduced-" + re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


def reproduced(
    label: str,
    *,
    cite: str,
    where: str,
    expected,
    ours,
    tolerance: float,
    spread: float | None = None,
    seeds: int | None = None,
) -> None:
    """Compare printed numbers with ours, show the comparison, and enter it in the ledger.

    Args:
        label: what the number is, unique in the chapter.
        cite: key of the source in book/references.bib.
        where: the place in the source, such as "Figure 4.1, k = 3".
        expected: the printed number or array of numbers.
        ours: what this chapter computed, same shape.
        tolerance: largest absolute difference allowed; half a unit of the last printed digit for
            an exact computation, a multiple of the spread for a random one.
        spread: standard deviation of ours over seeds, for a random result.
        seeds: how many seeds the spread was measured on.

    Raises:
        NotReproducedError: a number lies outside the tolerance.
        ValueError: the arrays cannot be compared.
    """
    difference = largest_difference(expected, ours)
    if not within(difference, tolerance):
        raise NotReproducedError(
            f"{label}: ours differs from the printed number by {difference:.4g}, "
            f"more than the tolerance {tolerance:g} ({cite}, {where})"
        )
    entry = {
        "label": label,
        "cite": cite,
        "where": where,
        "expected": np.asarray(expected, dtype=float).tolist(),
        "ours": np.asarray(ours, dtype=float).tolist(),
        "tolerance": float(tolerance),
        "spread": None if spread is None else float(spread),
        "seeds": seeds,
    }
    size = np.size(expected)
    count = "one number" if size == 1 else f"{size} numbers"
    summary = f"{label}: {count}, largest difference {difference:.2g}, tolerance {tolerance:g}"
    digits = decimals_of(tolerance)
    markup = (
        f'<details class="reproduced" id="{slug(label)}" '
        f'{ENTRY_ATTRIBUTE}="{html.escape(json.dumps(entry))}"><summary>Reproduced. '
        f"{html.escape(summary)}</summary>"
        f'<div class="reproduced-body"><div><b>Printed</b> ({html.escape(where)})'
        f"<pre>{format_values(expected, printed_decimals(expected))}</pre></div>"
        f"<div><b>Ours</b><pre>{format_values(ours, digits)}</pre></div></div></details>"
    )
    display({"text/html": markup, "text/plain": f"Reproduced. {summary}"}, raw=True)
