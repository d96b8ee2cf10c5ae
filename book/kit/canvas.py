"""What diagrams are drawn on: places and sizes of their parts, text, and the finished SVG."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import matplotlib as mpl
from bookfigures import INK, to_svg
from IPython.display import display
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Circle, Patch, Rectangle
from matplotlib.text import Text
from matplotlib.textpath import TextToPath

FONT = 13  # height of letters, in units
LINE = 1.3 * FONT
WIDEST = 400  # units: in the column of a phone, 342 pixels, letters are 11 pixels high
ON_PAGE = 1.15  # pixels for a unit where there is room
STYLE = {"svg.fonttype": "none", "svg.hashsalt": "book"}
SIDES = {"right": (1, 0), "left": (-1, 0), "above": (0, 1), "below": (0, -1)}
BESIDE = {"right_of": "right", "left_of": "left", "above": "above", "below": "below"}


@dataclass(eq=False)
class Part:
    """What arrows lead to: a centre, a size, and the patch at which they end."""

    x: float
    y: float
    width: float = 0.0
    height: float = 0.0
    patch: Patch | None = None

    def side(self, name: str) -> tuple[float, float]:
        """The middle of its "right", "left", "above" or "below" side."""
        dx, dy = SIDES[name]
        return self.x + dx * self.width / 2, self.y + dy * self.height / 2


@dataclass
class Tree:
    """A node with what hangs below it, for `Diagram.tree`.

    Attributes:
        label: the text in a box or circle, or beside a state or an action.
        children: the trees below it.
        shape: "box", "circle", "state" (small, open) or "action" (small, filled).
        edge: label of the line that leads to it.
        part: the drawn node, once it is drawn.
    """

    label: str = ""
    children: Sequence[Tree] = ()
    shape: str = "box"
    edge: str = ""
    part: Part = field(default_factory=lambda: Part(0, 0), init=False)


def font_of(line: str) -> FontProperties:
    """The font of a line; the letters of a formula are small for their height."""
    formula = re.fullmatch(r"\$[^$]*\$", line) is not None
    return FontProperties(size=1.15 * FONT if formula else FONT, math_fontfamily="stix")


def size_of(text: str) -> tuple[float, float]:
    """Width and height of a text in the font of diagrams."""
    if not text:
        return 0.0, 0.0
    lines = text.split("\n")
    sizes = [
        TextToPath().get_text_width_height_descent(line, font_of(line), "$" in line)
        for line in lines
    ]
    return max(size[0] for size in sizes), LINE * len(lines)


def mean(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The point in the middle of points."""
    return sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points)


def around(parts: Part | Sequence[Part]) -> Part:
    """One part, or the rectangle around several."""
    if isinstance(parts, Part):
        return parts
    left, right = (f(p.side(s)[0] for p in parts) for f, s in ((min, "left"), (max, "right")))
    low, high = (f(p.side(s)[1] for p in parts) for f, s in ((min, "below"), (max, "above")))
    return Part((left + right) / 2, (low + high) / 2, right - left, high - low)


def steps(children: Sequence[tuple[float, float]], spread: float) -> list[float]:
    """Where the children of a tree's node stand, from the first one on."""
    at = [0.0] if children else []
    for (_, right), (left, _) in itertools.pairwise(children):
        at.append(at[-1] + right + spread + left)
    return at


def corners(start: Part, end: Part, route: str, by: float) -> list[tuple[float, float]]:
    """The points of a line with right angles."""
    if route == "-|":
        leave = start.side("right" if end.x > start.x else "left")
        enter = end.side("above" if start.y > end.y else "below")
        return [leave, (enter[0], leave[1]), enter]
    if route == "|-":
        leave = start.side("above" if end.y > start.y else "below")
        enter = end.side("left" if start.x < end.x else "right")
        return [leave, (leave[0], enter[1]), enter]
    if route not in SIDES:
        raise ValueError(f"an arrow has no route {route!r}: use -|, |-, {', '.join(SIDES)}")
    dx, dy = SIDES[route]
    leave, enter = start.side(route), end.side(route)
    if dx:
        x = dx * max(dx * leave[0], dx * enter[0]) + dx * by
        return [leave, (x, leave[1]), (x, enter[1]), enter]
    y = dy * max(dy * leave[1], dy * enter[1]) + dy * by
    return [leave, (leave[0], y), (enter[0], y), enter]


def reaches(tree: Tree, spread: float) -> list[tuple[float, float]]:
    """How far a tree and each of its children reach to the left and right of their node."""
    own = {"state": 14.0, "action": 9.0}.get(tree.shape, size_of(tree.label)[0] + 20)
    if tree.shape in {"state", "action"}:
        beside = size_of(tree.label)[0]
        left, right = own / 2, own / 2 + (beside + 5 if tree.children else 0)
        left, right = (left, right) if tree.children else (max(left, beside / 2),) * 2
    else:
        left = right = own / 2
    below = [reaches(child, spread)[0] for child in tree.children]
    if below:
        reach = steps(below, spread)
        left = max(left, reach[-1] / 2 + below[0][0])
        right = max(right, reach[-1] / 2 + below[-1][1])
    return [(left, right), *below]


class Words(Text):
    """A line of a diagram: text stays text, mathematics becomes shapes, whose font few have."""

    def draw(self, renderer: Any) -> None:
        """Draw it; called by Matplotlib."""
        with mpl.rc_context({"svg.fonttype": "path"} if "$" in self.get_text() else {}):
            super().draw(renderer)


class Canvas:
    """A sheet on which things are placed beside one another, and which is shown at the end.

    Args:
        gap: units between a part and the one that it is placed beside.
    """

    def __init__(self, *, gap: float = 30) -> None:
        self.gap = gap
        self.artists: list[Any] = []
        self.edges: dict[str, float] = {}

    def svg(self, *, name: str, alt: str) -> str:
        """The drawing as inline SVG.

        Raises:
            ValueError: there is no alt, nothing is drawn, or it is too wide for a phone.
        """
        if not alt.strip():
            raise ValueError(f"the diagram {name!r} needs alt=: say what it shows")
        if not self.edges:
            raise ValueError(f"the diagram {name!r} is empty")
        pad = 6.0
        left, right = self.edges["left"] - pad, self.edges["right"] + pad
        low, high = self.edges["below"] - pad, self.edges["above"] + pad
        if right - left > WIDEST:
            raise ValueError(
                f"the diagram {name!r} is {right - left:.0f} units wide, more than {WIDEST}: its "
                "letters would be too small on a phone; break texts into lines, or put parts below"
            )
        with mpl.rc_context(STYLE):
            figure = Figure(figsize=((right - left) / 72, (high - low) / 72), dpi=72)
            figure.set_layout_engine("none")
            axes = figure.add_axes((0, 0, 1, 1), xlim=(left, right), ylim=(low, high))
            axes.set_axis_off()
            for artist in self.artists:
                axes.add_artist(artist)
            markup = to_svg(figure, alt, f"diagram-{name}")
        size = f'width="{ON_PAGE * (right - left):.0f}" height="{ON_PAGE * (high - low):.0f}"'
        start = markup.index('width="')
        return markup[:start] + size + markup[markup.index('pt"', markup.index("height=")) + 3 :]

    def show(self, *, name: str, alt: str) -> None:
        """Display the drawing.

        Args:
            name: short, unique in the chapter, letters, digits and hyphens.
            alt: what a reader who cannot see it needs to know.
        """
        markup = self.svg(name=name, alt=alt)
        display({"text/html": markup, "text/plain": f"[diagram] {alt}"}, raw=True)

    def _add(self, artist: Any) -> Any:
        self.artists.append(artist)
        return artist

    def _ground(self, part: Part) -> Patch:
        """An invisible rectangle, at which arrows end."""
        corner = (part.x - part.width / 2, part.y - part.height / 2)
        patch = Rectangle(corner, part.width, part.height, facecolor="none", edgecolor="none")
        self._add(patch)
        return patch

    def _grow(self, points: Iterable[tuple[float, float]]) -> None:
        for x, y in points:
            for side, value, choose in (
                ("left", x, min),
                ("right", x, max),
                ("below", y, min),
                ("above", y, max),
            ):
                self.edges[side] = choose(self.edges.get(side, value), value)

    def _part(self, width: float, height: float, **place: Any) -> Part:
        gap = place.pop("gap", None)
        gap = self.gap if gap is None else gap
        if len(place) > 1 or set(place) - {"at", *BESIDE}:
            raise ValueError(f"say where a part goes by one of at, {', '.join(BESIDE)}")
        x, y = place.get("at", (0.0, 0.0))
        for key, side in BESIDE.items():
            if key in place:
                beside = around(place[key])
                (x, y), (dx, dy) = beside.side(side), SIDES[side]
                x, y = x + dx * (gap + width / 2), y + dy * (gap + height / 2)
        part = Part(x, y, width, height)
        self._grow([(x - width / 2, y - height / 2), (x + width / 2, y + height / 2)])
        return part

    def _finish(self, part: Part, patch: Patch, text: str, colour: str) -> Part:
        if colour:
            fill = mpl.colors.to_rgba(colour, 0.16)
            patch.set(facecolor=fill, edgecolor=colour, linewidth=1.6)
        else:
            patch.set(facecolor="none", edgecolor=INK, linewidth=1.2)
        part.patch = self._add(patch)
        self._write(part.x, part.y, text)
        return part

    def _small(
        self, label: str, side: str, radius: float, fill: str, place: dict[str, Any]
    ) -> Part:
        part = self._part(2 * radius, 2 * radius, **place)
        patch = Circle((part.x, part.y), radius, facecolor=fill, edgecolor=INK, linewidth=1.3)
        part.patch = self._add(patch)
        (dx, dy), (w, h) = SIDES[side], size_of(label)
        away = radius + 5
        self._write(part.x + dx * (away + w / 2), part.y + dy * (away + h / 2 - 3), label)
        return part

    def _write(
        self, x: float, y: float, text: str, colour: str = "", across: str = "center"
    ) -> None:
        if not text:
            return
        w, h = size_of(text)
        left = x - w * {"left": 0.0, "center": 0.5, "right": 1.0}[across]
        self._grow([(left, y - h / 2), (left + w, y + h / 2)])
        lines = text.split("\n")
        for i, line in enumerate(lines):
            self._add(
                Words(
                    x,
                    y + LINE * ((len(lines) - 1) / 2 - i) - 0.36 * FONT,
                    line,
                    color=colour or INK,
                    fontproperties=font_of(line),
                    horizontalalignment=across,
                    verticalalignment="baseline",
                )
            )
