r"""Diagrams: boxes and arrows, graphs, trees, matrices and timelines, as SVG in the page's colours.

    from diagrams import Diagram

    d = Diagram()
    agent, world = d.chain("agent", "environment", arrows=False, gap=90)
    d.arrow(agent, world, "action", bend=-0.3)
    d.arrow(world, agent, "reward, state", bend=-0.3)
    d.show(name="loop", alt="The agent acts on the environment, which answers with ...")

Everything is placed by a point (`at`, in units with y upwards) or beside what is there (`right_of`,
`left_of`, `above`, `below`: a part, or several). Sizes come from the text, which may hold
mathematics between dollar signs and breaks its lines at "\n".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bookfigures import GREY, INK
from canvas import (
    BESIDE,
    LINE,
    SIDES,
    Canvas,
    Part,
    Tree,
    around,
    corners,
    mean,
    reaches,
    size_of,
    steps,
)
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, PathPatch, Rectangle
from matplotlib.path import Path


class Diagram(Canvas):
    """A drawing that grows part by part and is shown at the end."""

    # --- Parts ---

    def box(self, text: str = "", *, colour: str = "", width: float = 0, **place: Any) -> Part:
        """A box around a text; `width` is the least that it has."""
        w, h = size_of(text)
        part = self._part(max(w + 20, width), max(h + 12, 30), **place)
        patch = FancyBboxPatch(
            (part.x - part.width / 2, part.y - part.height / 2),
            part.width,
            part.height,
            boxstyle="round,pad=0,rounding_size=5",
        )
        return self._finish(part, patch, text, colour)

    def circle(self, text: str = "", *, colour: str = "", **place: Any) -> Part:
        """A circle around a text: a state of a chain, a unit, an operation."""
        w, h = size_of(text)
        across = max(math.hypot(w, h) + 6, 32)
        part = self._part(across, across, **place)
        return self._finish(part, Circle((part.x, part.y), across / 2), text, colour)

    def state(self, label: str = "", *, side: str = "right", **place: Any) -> Part:
        """The small open circle of a backup diagram, its label beside it."""
        return self._small(label, side, 7, "none", place)

    def action(self, label: str = "", *, side: str = "right", **place: Any) -> Part:
        """The small filled circle of a backup diagram, its label beside it."""
        return self._small(label, side, 4.5, INK, place)

    def text(self, text: str, *, colour: str = "", **place: Any) -> Part:
        """A text without a frame."""
        w, h = size_of(text)
        part = self._part(w + 4, h, **place)
        part.patch = self._ground(part)
        self._write(part.x, part.y, text, colour)
        return part

    def point(self, **place: Any) -> Part:
        """An invisible point, for an arrow that begins or ends in the open."""
        return self._part(0, 0, **place)

    def between(self, one: Part, other: Part) -> Part:
        """The invisible point halfway between two parts, where a branch leaves an arrow."""
        if abs(one.x - other.x) >= abs(one.y - other.y):
            first, second = sorted((one, other), key=lambda part: part.x)
            return Part((first.side("right")[0] + second.side("left")[0]) / 2, one.y)
        first, second = sorted((one, other), key=lambda part: part.y)
        return Part(one.x, (first.side("above")[1] + second.side("below")[1]) / 2)

    def matrix(
        self,
        rows: int,
        columns: int,
        *,
        name: str = "",
        shape: Sequence[str] = ("", ""),
        depth: int = 1,
        cell: float = 13,
        colour: str = GREY,
        values: Sequence[Sequence[float]] | None = None,
        **place: Any,
    ) -> Part:
        """A matrix of cells, its name below, its shape at its left and upper side.

        A tensor with three dimensions has `depth` layers, and its third size at the upper right.
        `values` between 0 and 1 say how much colour a cell has; without them all have a little.
        """
        part = self._part(columns * cell, rows * cell, **place)
        left, top = part.x - part.width / 2, part.y + part.height / 2
        if values is not None and not all(0 <= v <= 1 for row in values for v in row):
            raise ValueError("the values of a matrix say how dark a cell is: between 0 and 1")
        for r in range(rows):
            for c in range(columns):
                share = 0.15 if values is None else 0.05 + 0.85 * float(values[r][c])
                corner = (left + c * cell, top - (r + 1) * cell)
                self._add(Rectangle(corner, cell, cell, facecolor=colour, alpha=share, linewidth=0))
                self._add(Rectangle(corner, cell, cell, fill=False, edgecolor=INK, linewidth=0.7))
        self._behind(part, depth, shape[2] if len(shape) > 2 else "")
        part.patch = self._ground(part)
        if name:
            self._write(part.x, part.y - part.height / 2 - LINE * 0.75, name)
        if shape[0]:
            self._write(left - 5, part.y, shape[0], across="right")
        if shape[1]:
            self._write(part.x, top + 5 * (depth - 1) + LINE * 0.6, shape[1])
        return part

    def chain(
        self, *texts: str, direction: str = "right", arrows: bool = True, **options: Any
    ) -> list[Part]:
        """Boxes one after the other, to the "right" or "left", "above" or "below", with arrows."""
        gap = options.pop("gap", None)
        place = {k: options.pop(k) for k in ("at", "gap", *BESIDE) if k in options}
        if direction in {"above", "below"}:
            options.setdefault("width", max(size_of(text)[0] for text in texts) + 20)
        parts: list[Part] = []
        for text in texts:
            if parts:
                where = "right_of" if direction == "right" else direction
                where = "left_of" if direction == "left" else where
                place = {where: parts[-1], "gap": gap}
            parts.append(self.box(text, **options, **place))
            if arrows and len(parts) > 1:
                self.arrow(parts[-2], parts[-1])
        return parts

    # --- Lines ---

    def arrow(
        self,
        start: Part,
        end: Part,
        label: str = "",
        *,
        bend: float = 0,
        route: str = "",
        by: float = 22,
        side: str = "",
        colour: str = INK,
        dashed: bool = False,
        head: str = "-|>",
    ) -> None:
        """An arrow between two parts, with a label beside it.

        Args:
            start: where it begins.
            end: where its head is.
            label: what flows, or a probability.
            bend: 0 is straight; 0.3 bends to the right of the way, -0.3 to the left.
            route: "-|" goes sideways first and "|-" up or down first; "right", "left", "above" or
                "below" leaves and enters by that side, `by` units away: a skip connection.
            by: see `route`.
            side: side of the line for the label; by itself above, or right of, a straight line.
            colour: colour of the line.
            dashed: whether it is dashed.
            head: Matplotlib's arrow style: "-" has no head, "<|-|>" two.
        """
        look: dict[str, Any] = {
            "arrowstyle": head,
            "mutation_scale": 11,
            "linewidth": 1.2,
            "color": colour,
            "linestyle": "--" if dashed else "-",
            "shrinkA": 1,
            "shrinkB": 2,
        }
        if route:
            way = corners(start, end, route, by)
            middle = way[1] if route in {"-|", "|-"} else mean(way[1:3])
            normal = SIDES["right" if route in {"-|", "|-"} else route]
            self._add(FancyArrowPatch(path=Path(way), **look))
            self._grow(way)
        else:
            dx, dy = end.x - start.x, end.y - start.y
            rad = bend / 2
            middle = ((start.x + end.x) / 2 + rad * dy, (start.y + end.y) / 2 - rad * dx)
            length = math.hypot(dx, dy) or 1.0
            turn = math.copysign(1, bend) if bend else (-1 if (dx, dy) > (0, 0) else 1)
            normal = (turn * dy / length, -turn * dx / length)
            if not bend and abs(dx) < 1:
                normal = (1, 0)
            self._add(
                FancyArrowPatch(
                    (start.x, start.y),
                    (end.x, end.y),
                    patchA=start.patch,
                    patchB=end.patch,
                    connectionstyle=f"arc3,rad={bend}",
                    **look,
                )
            )
            self._grow([middle])
        if label:
            nx, ny = normal
            if side:
                along = nx * SIDES[side][0] + ny * SIDES[side][1]
                nx, ny = (math.copysign(1, along) * n for n in normal) if along else SIDES[side]
            w, h = size_of(label)
            away = abs(nx) * (w / 2 + 4) + abs(ny) * (h / 2 + 1)
            self._write(middle[0] + nx * away, middle[1] + ny * away, label)

    def loop(self, part: Part, label: str = "", *, side: str = "above") -> None:
        """An arrow from a part to itself."""
        centre = math.atan2(SIDES[side][1], SIDES[side][0])
        reach = max(part.width, part.height) / 2

        def at(turn: float, times: float) -> tuple[float, float]:
            angle = centre + turn
            return part.x + times * reach * math.cos(angle), part.y + times * reach * math.sin(
                angle
            )

        far = 1 + 38 / reach
        points = [at(0.55, 1.06), at(0.62, far), at(-0.62, far), at(-0.55, 1.1)]
        path = Path(points, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
        self._add(
            FancyArrowPatch(
                path=path, arrowstyle="-|>", mutation_scale=11, linewidth=1.2, color=INK
            )
        )
        top = at(0, 1 + 0.75 * 38 / reach * math.cos(0.62))
        self._grow([top])
        if label:
            (nx, ny), (w, h) = SIDES[side], size_of(label)
            self._write(top[0] + nx * (w / 2 + 4), top[1] + ny * (h / 2 + 1), label)

    def frame(self, parts: Iterable[Part], label: str = "", *, colour: str = GREY) -> Part:
        """A dashed frame around parts, its label at the upper left: a block, a plate."""
        inner, pad = around(list(parts)), 10
        top = LINE if label else 0
        part = Part(inner.x, inner.y + top / 2, inner.width + 2 * pad, inner.height + 2 * pad + top)
        left, upper = part.x - part.width / 2, part.y + part.height / 2
        patch = FancyBboxPatch(
            (left, upper - part.height),
            part.width,
            part.height,
            boxstyle="round,pad=0,rounding_size=7",
            fill=False,
            edgecolor=colour,
            linestyle="--",
            linewidth=1.2,
        )
        self._add(patch)
        self._grow([(left, upper), (left + part.width, upper - part.height)])
        part.patch = patch
        if label:
            self._write(left + 8, upper - LINE * 0.7, label, across="left")
        return part

    def arc(self, parent: Part, first: Part, last: Part, label: str = "") -> None:
        """An arc over the lines from a parent to its children: here one takes the maximum."""
        start, end = (math.atan2(c.y - parent.y, c.x - parent.x) for c in (first, last))
        reach = parent.height / 2 + 15
        angles = [start + (end - start) * i / 20 for i in range(21)]
        points = [(parent.x + reach * math.cos(t), parent.y + reach * math.sin(t)) for t in angles]
        self._add(PathPatch(Path(points), fill=False, edgecolor=INK, linewidth=1.2))
        if label:
            self._write(points[-1][0] + 4, points[-1][1] + 3, label, across="left")

    # --- Whole drawings ---

    def tree(
        self,
        root: Tree,
        *,
        level: float = 0,
        spread: float = 16,
        arrows: bool = False,
        **place: Any,
    ) -> Part:
        """A tree, its root on top, each node in the middle above its children.

        Args:
            root: the nodes; after the call each knows its `part`.
            level: units from a level to the next; 52 for states and actions, else 68.
            spread: units between neighbours.
            arrows: whether the lines have heads.
            place: where the root goes (`at`), or beside what the whole tree does.
        """
        level = level or (52 if root.shape in {"state", "action"} else 68)
        x, y = place.get("at", (0.0, 0.0))
        if "at" not in place:
            left, right = reaches(root, spread)[0]
            whole = self._part(left + right, 0, **place)
            x, y = whole.x + (left - right) / 2, whole.y
        self._hang(root, x, y, level, spread, arrows)
        return root.part

    def graph(
        self,
        places: Mapping[str, tuple[float, float]],
        arrows: Mapping[tuple[str, str], str],
        *,
        unit: float = 90,
        colours: Mapping[str, str] | None = None,
    ) -> dict[str, Part]:
        """Circles at places and labelled arrows between them; (name, name) is a loop.

        Two arrows between the same circles bend apart. `places` are multiplied by `unit`.
        """
        parts = {
            name: self.circle(name, at=(unit * x, unit * y), colour=(colours or {}).get(name, ""))
            for name, (x, y) in places.items()
        }
        middle = mean([(part.x, part.y) for part in parts.values()])
        for (start, end), label in arrows.items():
            if start == end:
                part = parts[start]
                side = "above" if part.y >= middle[1] else "below"
                self.loop(part, label, side=side)
            else:
                both = (end, start) in arrows
                self.arrow(parts[start], parts[end], label, bend=-0.25 if both else 0)
        return parts

    def timeline(self, events: Sequence[tuple[str, str]], **place: Any) -> list[Part]:
        """Events down a line, each a time and what happened then."""
        dots: list[Part] = []
        for when, what in events:
            height = size_of(what)[1]
            if dots:
                y = dots[-1].y - dots[-1].height / 2 - 8 - height / 2
                dot = Part(dots[-1].x, y, 8, height)
            else:
                dot = self._part(8, height, **place)
            dot.patch = self._add(Circle((dot.x, dot.y), 4, color=INK))
            self._write(dot.x - 14, dot.y, when, across="right")
            self._write(dot.x + 14, dot.y, what, across="left")
            dots.append(dot)
        line = [(dots[0].x, dots[0].y), (dots[-1].x, dots[-1].y)]
        self._add(PathPatch(Path(line), edgecolor=INK, linewidth=1.2))
        return dots

    def _behind(self, part: Part, depth: int, label: str) -> None:
        """The edges of a tensor's layers that the first one leaves in sight."""
        (right, top), (left, low) = (
            (part.x + sign * part.width / 2, part.y + sign * part.height / 2) for sign in (1, -1)
        )
        for away in (5 * k for k in range(1, depth)):
            edge = [
                (left + away, top + away - 5),
                (left + away, top + away),
                (right + away, top + away),
                (right + away, low + away),
                (right + away - 5, low + away),
            ]
            self._add(PathPatch(Path(edge), fill=False, edgecolor=INK, linewidth=0.7))
            self._grow(edge)
        if label:
            away = 5 * (depth - 1)
            self._write(right + away + 4, top + away - 2, label, across="left")

    def _node(self, tree: Tree, x: float, y: float) -> Part:
        if tree.shape in {"state", "action"}:
            draw = self.state if tree.shape == "state" else self.action
            return draw(tree.label, side="right" if tree.children else "below", at=(x, y))
        return (self.circle if tree.shape == "circle" else self.box)(tree.label, at=(x, y))

    def _hang(
        self, tree: Tree, x: float, y: float, level: float, spread: float, arrows: bool
    ) -> None:
        tree.part = self._node(tree, x, y)
        reach = steps(reaches(tree, spread)[1:], spread)
        for child, step in zip(tree.children, reach, strict=True):
            self._hang(child, x - reach[-1] / 2 + step, y - level, level, spread, arrows)
            head = "-|>" if arrows else "-"
            side = "left" if child.part.x < x - 1 else "right"
            self.arrow(
                tree.part, child.part, child.edge, head=head, side=side if child.edge else ""
            )
