"""Figures of what a run took, as SVG that takes its colours from the page."""

from __future__ import annotations

import io
import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from grader.farm import SubmissionRecord
from grader.report.text import count, one_line, seconds, size

_INK, _LINE, _FILL, _GROUND = "#010101", "#020202", "#030303", "#040404"
"""Stand for colours of the page, light or dark, in what matplotlib writes."""
_COLOURS = {
    _INK: "currentColor",
    _LINE: "var(--soft)",
    _FILL: "var(--wait)",
    _GROUND: "var(--ground)",
}
_STYLE: dict[Any, Any] = {
    "text.parse_math": False,  # names of tests may hold a dollar sign
    "svg.fonttype": "none",
    "svg.hashsalt": "grader",
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _LINE,
    "ytick.color": _LINE,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
}
_BINS = 20
_PAUSE = 900.0
"""Seconds without a finished submission that part one run from the next."""
_MOST_TESTS = 40
_LONGEST_NAME = 32


@dataclass(frozen=True)
class Plot:
    """One figure.

    Attributes:
        title: what it shows.
        alt: the same in words and numbers, for those who do not see it.
        svg: the figure.
    """

    title: str
    alt: str
    svg: Markup


@dataclass
class _Class:
    """The numbers behind the figures; small, whatever the notebooks hold."""

    wall: list[float]
    cpu: list[float]
    memory: list[float]
    finished: list[float]
    tests: dict[tuple[str, str], list[float]]


def run_plots(records: Iterable[SubmissionRecord]) -> list[Plot]:
    """Figures of wall time, CPU time, memory, time of each test, and the course of the run.

    Args:
        records: of one assignment; those that were never run are left out.
    """
    found = _numbers(records)
    if not found.wall:
        return []
    plots = [_histogram("Wall time", "seconds", found.wall, seconds)]
    if any(found.cpu):
        plots.append(_histogram("CPU time", "seconds, user and system", found.cpu, seconds))
    if any(found.memory):
        megabytes = [memory / 2**20 for memory in found.memory if memory]
        plots.append(
            _histogram("Peak memory", "MB", megabytes, lambda value: size(round(value * 2**20)))
        )
    if len(found.finished) > 1:
        plots.append(_timeline(found.finished))
    if found.tests:
        plots.append(_times_of_tests(found.tests))
    return plots


def _numbers(records: Iterable[SubmissionRecord]) -> _Class:
    found = _Class([], [], [], [], defaultdict(list))
    for record in records:
        wall = sum(result.wall for result in record.results)
        if record.fault or not wall:
            continue
        found.wall.append(wall)
        found.cpu.append(sum(result.cpu for result in record.results))
        found.memory.append(max(result.peak_memory for result in record.results))
        if record.finished:
            found.finished.append(record.finished)
        for result in record.results:
            for test in result.tests:
                if test.duration:
                    found.tests[result.notebook, test.grade_id].append(test.duration)
    return found


def _histogram(
    what: str, unit: str, values: Sequence[float], words: Callable[[float], str]
) -> Plot:
    """How `values` are spread over the class."""
    title = f"{what} of a submission"
    cut = statistics.quantiles(values, n=10, method="inclusive")[-1] if len(values) > 1 else 0.0
    alt = (
        f"{title}, {count(len(values), 'submission')}: median {words(statistics.median(values))}, "
        f"nine of ten at most {words(cut or values[0])}, the most {words(max(values))}."
    )

    def draw(axes: Axes) -> None:
        axes.hist(values, bins=_BINS, range=(0, max(values)), color=_FILL)
        axes.set_xlabel(f"{what} ({unit})")
        axes.set_ylabel("Submissions")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))

    return Plot(title, alt, _draw(what, draw, (4.2, 2.6)))


def _timeline(finished: Sequence[float]) -> Plot:
    """Submissions a minute over the last run."""
    times = sorted(finished)
    first = len(times) - 1
    while first > 0 and times[first] - times[first - 1] < _PAUSE:
        first -= 1
    run = [(each - times[first]) / 60 for each in times[first:]]
    width = max(1.0, (run[-1] or 1.0) / 60)
    bins = int(run[-1] / width) + 1
    counts = [0] * bins
    for each in run:
        counts[int(each / width)] += 1
    rates = [number / width for number in counts]
    edges = [width * index for index in range(bins + 1)]
    title = "The last run: submissions a minute"
    alt = (
        f"{title}: {count(len(run), 'submission')} in {run[-1]:.1f} minutes, at most "
        f"{max(rates):.3g} and on average {len(run) / max(run[-1], width):.3g} a minute."
    )

    def draw(axes: Axes) -> None:
        axes.stairs(rates, edges, fill=True, color=_FILL)
        axes.set_xlabel("Time since the first submission was done (minutes)")
        axes.set_ylabel("Submissions a minute")
        axes.set_xlim(0, edges[-1])
        axes.set_ylim(0, None)

    return Plot(title, alt, _draw("timeline", draw, (4.2, 2.6)))


def _times_of_tests(tests: dict[tuple[str, str], list[float]]) -> Plot:
    """Wall time of each test, as boxes; the longest tests where there are many."""
    several = len({notebook for notebook, _ in tests}) > 1
    medians = {test: statistics.median(times) for test, times in tests.items()}
    chosen = sorted(tests, key=medians.__getitem__, reverse=True)[:_MOST_TESTS]
    shown = [test for test in tests if test in set(chosen)]  # in the notebooks' order
    names = [
        one_line(f"{notebook}: {name}" if several else name, _LONGEST_NAME)
        for notebook, name in shown
    ]
    title = "Wall time of each test"
    alt = f"{title}. Median and most: " + "; ".join(
        f"{name} {_fine(medians[test])} and {_fine(max(tests[test]))}"
        for name, test in zip(names, shown, strict=True)
    )

    def draw(axes: Axes) -> None:
        axes.boxplot(
            [tests[test] for test in shown],
            orientation="horizontal",
            tick_labels=names,
            whis=(5, 95),
            widths=0.6,
            patch_artist=True,
            boxprops={"facecolor": _FILL, "edgecolor": _FILL},
            medianprops={"color": _GROUND, "linewidth": 2},
            whiskerprops={"color": _LINE},
            capprops={"color": _LINE},
            flierprops={"marker": ".", "markeredgecolor": _LINE, "markersize": 4},
        )
        axes.invert_yaxis()
        axes.set_xlim(0, None)
        axes.set_xlabel("Wall time (seconds); box: half of the class, whiskers: 5 to 95 %")

    height = 0.9 + 0.28 * len(shown)
    return Plot(title, f"{alt}.", _draw("tests", draw, (8.8, height)))


def _fine(value: float) -> str:
    return f"{1000 * value:.0f} ms" if value < 1 else seconds(value)


def _draw(name: str, draw: Callable[[Axes], None], inches: tuple[float, float]) -> Markup:
    """Draw on fresh axes; the SVG without its head, with names of its own and page colours."""
    with style.context(["default", _STYLE]):
        figure = Figure(figsize=inches, layout="constrained")
        figure.patch.set_visible(False)
        axes = figure.add_subplot()
        axes.patch.set_visible(False)
        draw(axes)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return Markup(_page_svg(file.getvalue(), re.sub(r"\W", "-", name.lower())))  # noqa: S704


def _page_svg(text: str, name: str) -> str:
    text = text[text.index("<svg") :]
    text = re.sub(r"<(metadata|style)\b.*?</\1>\s*", "", text, flags=re.DOTALL)
    # two figures of one page may not share names
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r"font:[^;\"]*?(\d+(?:\.\d+)?px)[^;\"]*", r"font-size: \1", text)
    for placeholder, colour in _COLOURS.items():
        text = text.replace(placeholder, colour)
    return re.sub(r'<svg ([^>]*?)width="[^"]*"', r'<svg aria-hidden="true" \1', text, count=1)
