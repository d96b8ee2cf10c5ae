"""Declare a number that a chapter recomputes; a mismatch stops the chapter.

The declaration travels inside the cell's HTML output, so it survives in the execution cache.
book/extensions/ledger.py reads it back when the book is built, folds it into one line on the page
and enters it in the ledger.
"""

from __future__ import annotations

import html
import json
import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction

import numpy as np
from IPython.display import display

ENTRY_ATTRIBUTE = "data-reproduced"
KINDS = {"printed": "Printed", "formula": "By formula", "software": "By other software"}
HALF_A_UNIT = "half a unit of the last digit given"
MOST_SHOWN = 30


class NotReproducedError(AssertionError):
    """The recomputed number lies outside its tolerance of the printed one."""


def read_number(text: str) -> tuple[float, float]:
    """Value of a printed number, and half a unit of its last digit: "0.64" is (0.64, 0.005).

    "26 %" is 0.26, "1,826,214" has commas, "2/3" is exact.

    Raises:
        ValueError: the text is no number.
    """
    plain = re.sub(r"[\s,_]", "", text.replace("\N{MINUS SIGN}", "-"))
    number, scale = plain.removesuffix("%"), 0.01 if plain.endswith("%") else 1.0
    try:
        if "/" in number:
            return float(Fraction(number)), 0.0
        exact = Decimal(number)
        return float(exact) * scale, 0.5 * 10.0 ** int(exact.as_tuple().exponent) * scale
    except (InvalidOperation, ValueError, ZeroDivisionError):
        raise ValueError(f"{text!r} is not a printed number such as '0.64' or '26 %'") from None


def as_printed(value, decimals: int | None, kind: str) -> str:
    """The text of one number, as the source has it; what is not printed is rounded.

    Raises:
        ValueError: how many digits the source prints is not known.
    """
    if isinstance(value, str):
        return value.strip()
    if decimals is None and isinstance(value, int | np.integer):
        return str(int(value))
    if decimals is None:
        raise ValueError(
            f"say how many digits of {value!r} are printed: write it as text, '{value}', or give "
            "decimals= for all of them"
        )
    text = f"{float(value):.{decimals}f}"
    if kind == "printed" and abs(float(text) - float(value)) > 1e-12 * max(1.0, abs(float(value))):
        raise ValueError(f"{value!r} has more than {decimals} decimals; write what is printed")
    return text


def show_like(text: str, value: float) -> str:
    """A number as the printed text shows its own, with one digit more."""
    if "/" in text:
        return f"{value:.6f}"
    percent = "%" in text
    value = value * 100 if percent else value
    _, half = read_number(text.replace("%", ""))
    decimals = max(0, round(-np.log10(2 * half)))
    if decimals or not float(value).is_integer():
        decimals += 1
    comma = "," if "," in text else ""
    return f"{np.round(value, decimals) + 0.0:{comma}.{decimals}f}" + (" %" if percent else "")


def short(value: float) -> str:
    """Two digits of a small number, never as 3.8e-05."""
    return np.format_float_positional(value, precision=2, fractional=False, trim="-")


def lines_of(texts: list[str], shape: list[int]) -> list[str]:
    """Numbers as lines with true minus signs; a matrix by rows, a list five to a line."""
    width = shape[-1] if len(shape) > 1 else 5
    more = [f"and {len(texts) - MOST_SHOWN} more"] if len(texts) > MOST_SHOWN else []
    texts = [text.replace("-", "\N{MINUS SIGN}") for text in texts[:MOST_SHOWN]]
    return [" ".join(texts[i : i + width]) for i in range(0, len(texts), width)] + more


def slug(label: str) -> str:
    """A label as an HTML id."""
    return "reproduced-" + re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


def check(entry: dict) -> float:
    """Largest difference of an entry.

    Raises:
        NotReproducedError: a number lies outside its tolerance.
        ValueError: the entry is trivial, or cannot be compared.
    """
    if not all(str(entry[key]).strip() for key in ("label", "cite", "where", "rule")):
        raise ValueError(f"{entry['label']!r} needs a label, a source and a place in the source")
    if entry["kind"] not in KINDS:
        raise ValueError(f"{entry['kind']!r} is no kind of number; there are {', '.join(KINDS)}")
    printed = np.array([read_number(text)[0] for text in entry["expected"]])
    ours, tolerance = (np.array(entry[key], dtype=float) for key in ("ours", "tolerance"))
    if not printed.shape == ours.shape == tolerance.shape:
        raise ValueError(f"{printed.size} printed numbers do not match {ours.size} of ours")
    if printed.size == 0:
        raise ValueError("there is no number to compare")
    if not (np.isfinite(printed) & np.isfinite(ours) & np.isfinite(tolerance)).all():
        raise ValueError("every number must be finite")
    if not printed.any():
        raise ValueError("numbers that are all 0 show nothing; reproduce others")
    difference = np.abs(printed - ours)
    # The slack is for ties: 1.75 printed as 1.7 differs by 0.05 plus one rounding error.
    off = difference - tolerance - 1e-9 * np.maximum(1.0, np.abs(printed))
    worst = int(off.argmax())
    if off[worst] > 0:
        raise NotReproducedError(
            f"{entry['label']}: ours is {ours[worst]:.6g} where {entry['cite']}, {entry['where']}, "
            f"has {entry['expected'][worst]}; the difference {difference[worst]:.3g} is more than "
            f"the tolerance {short(tolerance[worst])} ({entry['rule']})"
        )
    return float(difference.max())


def tolerance_of(half, tolerance, because, spread, seeds, spreads):
    """The tolerance of each number, and the rule that it follows.

    Raises:
        ValueError: an explicit tolerance without a reason, or a spread without seeds.
    """
    if tolerance is not None:
        if spread is not None:
            raise ValueError("give a spread or a tolerance, not both")
        if not because:
            raise ValueError(
                "the tolerance follows from the printed digits or from a spread; another one needs "
                "its reason: because='...'"
            )
        return np.broadcast_to(np.asarray(tolerance, dtype=float), half.shape), because
    if spread is None:
        return half, HALF_A_UNIT if half.any() else "none, but for rounding errors"
    if not seeds or seeds < 2:
        raise ValueError("a spread needs seeds=, the number of seeds that it was measured on")
    widest = float(np.max(spread))
    rule = f"{spreads:g} times the spread of {widest:.2g} over {seeds} seeds, and {HALF_A_UNIT}"
    return spreads * np.asarray(spread, dtype=float) + half, rule


def reproduced(
    label: str,
    *,
    cite: str,
    where: str,
    expected,
    ours,
    kind: str = "printed",
    decimals: int | None = None,
    spread=None,
    seeds: int | None = None,
    spreads: float = 3,
    tolerance=None,
    because: str | None = None,
) -> None:
    """Compare printed numbers with ours, show the comparison, and enter it in the ledger.

    A cell that only calls this is folded on the page into one line, together with its code.

    Args:
        label: what the number is, unique in the chapter.
        cite: key of the source in the chapter's references.
        where: the place in the source, such as "Figure 4.1, k = 3".
        expected: the printed numbers as the source prints them, as text: "0.64", or a list of
            texts, or whole numbers. Or floats, with decimals. The tolerance is half a unit of the
            last printed digit of each.
        ours: what this chapter computed, same shape; or a result of `over_seeds`, which brings
            its mean, its spread and its seeds.
        kind: "printed" in the source; "formula", a closed form of the source, evaluated; or
            "software", the output of another program.
        decimals: how many decimals the source prints, where `expected` are floats.
        spread: standard deviation of ours over seeds, for a random result.
        seeds: how many seeds the spread was measured on.
        spreads: how many spreads ours may be off.
        tolerance: another tolerance, only with a reason.
        because: that reason, a few words for the ledger.

    Raises:
        NotReproducedError: a number lies outside the tolerance.
        ValueError: the numbers cannot be compared, or the entry is not a proper one.
    """
    if spread is None and seeds is None and hasattr(ours, "spread"):
        ours, spread, seeds = ours.mean, ours.spread, ours.n_seeds
    given = np.array(expected, dtype=object)
    numbers = np.asarray(ours, dtype=float)
    if given.shape != numbers.shape:
        raise ValueError(f"printed numbers have shape {given.shape}, ours {numbers.shape}")
    texts = [as_printed(value, decimals, kind) for value in given.ravel()]
    half = np.array([read_number(text)[1] for text in texts]).reshape(given.shape)
    allowed, rule = tolerance_of(half, tolerance, because, spread, seeds, spreads)
    entry = {
        "label": label,
        "cite": cite,
        "where": where,
        "kind": kind,
        "expected": texts,
        "ours": numbers.ravel().tolist(),
        "shape": list(given.shape),
        "tolerance": np.broadcast_to(allowed, given.shape).ravel().tolist(),
        "rule": rule,
    }
    difference = check(entry)
    summary = f"{label} ({cite}, {where}), largest difference {short(difference)}"
    data = html.escape(json.dumps(entry))
    markup = (
        f'<details class="reproduced" {ENTRY_ATTRIBUTE}="{data}">'
        f"<summary>Reproduced: {html.escape(summary)}</summary>{comparison(entry)}</details>"
    )
    display({"text/html": markup, "text/plain": f"Reproduced: {summary}"}, raw=True)


def comparison(entry: dict) -> str:
    """The printed numbers beside ours, as HTML."""
    printed = "\n".join(lines_of(entry["expected"], entry["shape"]))
    pairs = zip(entry["expected"], entry["ours"], strict=True)
    ours = "\n".join(lines_of([show_like(*pair) for pair in pairs], entry["shape"]))
    return (
        f'<div class="reproduced-body"><p><b>{html.escape(entry["label"])}</b>. Largest difference '
        f"{short(check(entry))}, tolerance {short(max(entry['tolerance']))}: "
        f"{html.escape(entry['rule'])}.</p><div><b>{KINDS[entry['kind']]}</b> "
        f"({html.escape(entry['where'])})<pre>{html.escape(printed)}</pre></div>"
        f"<div><b>Ours</b><pre>{html.escape(ours)}</pre></div></div>"
    )
