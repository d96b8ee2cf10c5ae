"""The standard that every page meets, and the chapters that are still to be brought to it.

Words, code, CPU and parts of a chapter come from what the build measured
(book/extensions/measures.py). CPU is compared, never wall time: it hardly depends on what else the
machine does, and it is the one time that a test of this repository looks at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BUDGETS = {
    "words": 4000,
    "visible lines of code": 250,
    "columns of code": 79,
    "seconds of CPU": 10.0,
    "kB to load": 600,
    "words before the first drawing": 600,
}
WITH_TORCH = BUDGETS | {"seconds of CPU": 15.0}
CLEARLY = 0.7  # of the budget for CPU: below it a waiting chapter certainly meets it

LEAST = {"check_questions": 1, "exercises": 3, "explorables": 1, "diagrams": 1}
SECTIONS = ("Common mistakes", "Summary", "Sources")

NO_QUESTIONS = {"check questions missing": 1, "diagrams missing": 1}
WAITING: dict[str, dict[str, float]] = {
    "book/probability/bayesian-probability/index": {
        **NO_QUESTIONS,
        "exercises without difficulty": 3,
        "columns of code": 82,
        "code to scroll": 1,
    },
    "book/transformers/attention-and-transformer/index": {
        **NO_QUESTIONS,
        "exercises without difficulty": 3,
        "visible lines of code": 321,
        "columns of code": 102,
        "seconds of CPU": 25,
        "words before the first drawing": 977,
        "code to scroll": 24,
    },
    "book/generative/variational-autoencoder/index": {
        **NO_QUESTIONS,
        "exercises without difficulty": 4,
        "visible lines of code": 260,
        "columns of code": 103,
        "seconds of CPU": 55,
        "words before the first drawing": 1692,
        "kB to load": 755,
        "code to scroll": 24,
        "equation to scroll": 5,
        "output to scroll": 2,
    },
    "book/alignment/direct-preference-optimization/index": {
        **NO_QUESTIONS,
        "exercises without difficulty": 3,
        "visible lines of code": 277,
        "columns of code": 86,
        "seconds of CPU": 27,
        "words before the first drawing": 1289,
        "code to scroll": 9,
    },
}
"""Pilots that are brought to the standard with their parts, with what they lack today.

A figure is a bound: a test fails if a chapter gets worse, and if it meets what is listed here. The
bound of CPU is half as much again as was measured (15.6, 35.5 and 17.4 s), for other machines.
"""


def docname_of(path: str) -> str:
    """Name of a page of the site, as _toc.yml has it."""
    return path.removesuffix(".html")


def measures_of(build: Path, docname: str) -> dict[str, Any]:
    """What the build measured on a chapter."""
    _, part, slug, _ = docname.split("/")
    text = (build / "measures" / part / f"{slug}.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def figures_of(measures: Mapping[str, Any]) -> dict[str, float]:
    """What a chapter needs of each budget that the build measures."""
    before = measures["words_before_drawing"]
    return {
        "words": measures["words"],
        "visible lines of code": measures["code_lines"],
        "columns of code": measures["code_columns"],
        "seconds of CPU": measures["cpu_seconds"],
        "words before the first drawing": measures["words"] if before is None else before,
    }


def lacking(measures: Mapping[str, Any]) -> dict[str, float]:
    """The parts that a chapter lacks, and how many of each."""
    found = {
        f"{name.replace('_', ' ')} missing": least - measures[name] for name, least in LEAST.items()
    }
    unrated = measures["exercises"] - measures["exercises_with_difficulty"]
    found["exercises without difficulty"] = unrated
    found |= {f"section {name}": name not in measures["sections"] for name in SECTIONS}
    found["assignment"] = not measures["assignment"]
    return {name: int(count) for name, count in found.items() if count > 0}


def over_budget(
    figures: Mapping[str, float], budgets: Mapping[str, float] = BUDGETS
) -> dict[str, float]:
    """Figures above their budget."""
    return {name: figure for name, figure in figures.items() if figure > budgets[name]}


def complaints(
    docname: str,
    short: Mapping[str, float],
    *,
    kinds: frozenset[str],
    waiting: Mapping[str, Mapping[str, float]] = WAITING,
    budgets: Mapping[str, float] = BUDGETS,
    cpu: float = 0,
) -> list[str]:
    """What is wrong with a page, each in a sentence that names it and the figure.

    Args:
        docname: the page.
        short: where it misses the standard, with figures.
        kinds: what was looked at; other entries of the table are left alone.
        waiting: the table of chapters that need not meet the standard yet.
        budgets: what is allowed.
        cpu: CPU seconds of a chapter, which differ from run to run: one that is close to its budget
            may stay in the table.
    """
    allowed = {name: most for name, most in waiting.get(docname, {}).items() if name in kinds}
    said = []
    for name, figure in short.items():
        if figure <= allowed.get(name, 0):
            continue
        if name in allowed:
            bound = f", {allowed[name]:g} when it was listed"
        else:
            bound = f", at most {budgets[name]:g}" if name in budgets else ""
        said.append(f"{docname}: {name}: {figure:g}{bound}")
    said += [
        f"{docname}: {name}: meets the standard now; strike it from WAITING"
        for name in allowed.keys() - short.keys()
        if name != "seconds of CPU" or cpu < CLEARLY * budgets[name]
    ]
    return sorted(said)
