"""Untrusted text on one line, and numbers as people write them."""

from __future__ import annotations

from grader.inert import clean

MESSAGE_CAP = 300
"""Characters of one message, on pages and in tables."""

ELLIPSIS = "…"


def one_line(text: str, cap: int = MESSAGE_CAP) -> str:
    """`text` cleaned, on one line, and cut at `cap` characters."""
    # A cut before cleaning bounds the work, whatever the sender wrote.
    line = " ".join(clean(text[: 20 * cap]).split())
    return line if len(line) <= cap else line[: cap - 1].rstrip() + ELLIPSIS


def as_text(value: object) -> str:
    """A string of notebook JSON, where one may be written as a list of lines; else ""."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return ""


def points(value: float) -> str:
    """Points as people write them: 14, 13.5, 0.33."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def count(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: "1 step", "3 steps"."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def listing(names: list[str]) -> str:
    """Names as a list in a sentence: "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def sentence(text: str) -> str:
    """`text` with a capital first letter and a full stop."""
    text = text.strip()
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?…" else text + "."


def size(number: int) -> str:
    """Bytes as people write them: "85 MB", "1.2 GB"; "" where nothing was measured."""
    if number <= 0:
        return ""
    megabytes = number / 2**20
    return f"{megabytes:.0f} MB" if megabytes < 1000 else f"{megabytes / 1024:.1f} GB"


def seconds(number: float) -> str:
    """Seconds as people write them: "0.4 s", "12 s", "2 min 5 s"; "" where nothing ran."""
    if number <= 0:
        return ""
    if number < 10:
        return f"{number:.1f} s"
    whole = round(number)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"
