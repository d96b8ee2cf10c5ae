"""One diagram of each kind that the chapters need. Authors copy from here."""

from __future__ import annotations

import sys

from .conftest import ROOT

sys.path.append(str(ROOT / "book" / "kit"))
from bookfigures import BLUE, GREEN, ORANGE
from diagrams import Diagram, Tree


def backup_diagrams() -> Diagram:
    """Backup diagrams: an open circle is a state, a filled one an action."""

    def full(title: str, x: float, policy: str) -> Tree:
        actions = [
            Tree(
                "$a$" if i == 0 else "",
                [Tree("$s'$", shape="state", edge="$r$" if j == 0 else "") for j in range(2)],
                shape="action",
                edge=policy if i == 0 else "",
            )
            for i in range(2)
        ]
        root = Tree("$s$", actions, shape="state")
        drawing.tree(root, at=(x, 0))
        drawing.text(title, above=root.part, gap=8)
        return root

    drawing = Diagram()
    full("$v_\\pi$", 0, "$\\pi$")
    best = full("$v_*$", 150, "")
    drawing.arc(best.part, best.children[0].part, best.children[1].part, "max")
    sample = Tree(
        "$S_t$",
        [Tree("$A_t$", [Tree("$S_{t+1}$", shape="state", edge="$R_{t+1}$")], shape="action")],
        shape="state",
    )
    drawing.tree(sample, at=(275, 0))
    drawing.text("one sample", above=sample.part, gap=8)
    return drawing


def policy_iteration() -> Diagram:
    """A loop of two steps."""
    drawing = Diagram()
    evaluate, improve = drawing.chain(
        "evaluation\n$V \\to v_\\pi$",
        "improvement\n$\\pi \\to$ greedy for $V$",
        gap=90,
        arrows=False,
    )
    drawing.arrow(evaluate, improve, "$V$", bend=-0.4)
    drawing.arrow(improve, evaluate, "$\\pi$", bend=-0.4)
    both = drawing.text("$v_*,\\ \\pi_*$", below=[evaluate, improve], gap=56)
    drawing.arrow(evaluate, both, dashed=True)
    drawing.arrow(improve, both, dashed=True)
    return drawing


def markov_chain() -> Diagram:
    """A graph with probabilities and a loop."""
    drawing = Diagram()
    places = {
        "C1": (0, 0),
        "C2": (1, 0),
        "C3": (2, 0),
        "Pass": (3, 0),
        "FB": (0, 1),
        "Pub": (2, -1),
    }
    arrows = {
        ("C1", "C2"): "0.5",
        ("C1", "FB"): "0.5",
        ("FB", "FB"): "0.9",
        ("FB", "C1"): "0.1",
        ("C2", "C3"): "0.8",
        ("C3", "Pass"): "0.6",
        ("C3", "Pub"): "0.4",
        ("Pub", "C1"): "0.2",
    }
    drawing.graph(places, arrows, colours={"Pass": GREEN})
    return drawing


def residual_block() -> Diagram:
    """Layers from below to above, with a skip connection, in a frame."""
    drawing = Diagram(gap=24)
    source, norm, attention = drawing.chain(
        "embedding", "layer norm", "attention", direction="above"
    )
    plus = drawing.circle("+", above=attention)
    drawing.arrow(attention, plus)
    drawing.arrow(drawing.between(source, norm), plus, "skip", route="right", by=64)
    drawing.frame([norm, plus], "$N\\times$")
    drawing.arrow(plus, drawing.box("logits", above=plus, gap=44, colour=BLUE))
    return drawing


def data_flow() -> Diagram:
    """Boxes with branches."""
    drawing = Diagram(gap=32)
    query = drawing.box("query")
    retriever = drawing.box("retriever", below=query, colour=BLUE)
    index = drawing.box("index", right_of=retriever, gap=70)
    generator = drawing.box("generator", below=retriever, colour=ORANGE)
    drawing.arrow(query, retriever)
    drawing.arrow(retriever, index, "search", bend=0.3)
    drawing.arrow(index, retriever, "top $k$", bend=0.3)
    drawing.arrow(index, generator, "passages", route="|-")
    drawing.arrow(retriever, generator)
    drawing.arrow(query, generator, "prompt", route="left", by=30)
    drawing.arrow(generator, drawing.text("answer", below=generator))
    return drawing


def product() -> Diagram:
    """Matrices with their shapes."""
    drawing = Diagram(gap=8)
    left = drawing.matrix(4, 3, name="$\\mathbf{X}$", shape=("$n$", "$d$"))
    times = drawing.text("$\\times$", right_of=left)
    right = drawing.matrix(
        3, 5, name="$\\mathbf{W}$", shape=("$d$", "$h$"), colour=BLUE, right_of=times, gap=22
    )
    equals = drawing.text("=", right_of=right)
    values = [[r * c / 12 for c in range(5)] for r in range(4)]
    drawing.matrix(
        4,
        5,
        name="$\\mathbf{XW}$",
        shape=("$n$", "$h$"),
        colour=GREEN,
        values=values,
        right_of=equals,
        gap=22,
    )
    return drawing


def attention_weights() -> Diagram:
    """A tensor, and a sum over one of its dimensions."""
    drawing = Diagram(gap=30)
    weights = drawing.matrix(
        5, 5, depth=3, name="weights", shape=("$n$", "$n$", "$h$"), colour=BLUE, cell=15
    )
    mean = drawing.matrix(
        5, 5, name="mean over heads", shape=("$n$", "$n$"), right_of=weights, gap=80
    )
    start, end = drawing.point(right_of=weights, gap=14), drawing.point(left_of=mean, gap=20)
    drawing.arrow(start, end)
    return drawing


def game_tree() -> Diagram:
    """A tree of boxes and circles."""
    drawing = Diagram()
    leaves = [[Tree(str(v), shape="circle") for v in pair] for pair in ((3, 12), (2, 8), (14, 1))]
    root = Tree("max", [Tree("min", pair, edge=str(i)) for i, pair in enumerate(leaves)])
    drawing.tree(root, arrows=True)
    return drawing


def timeline() -> Diagram:
    """What happened when."""
    drawing = Diagram()
    drawing.timeline(
        [
            ("1957", "Bellman: dynamic programming"),
            ("1960", "Howard: policy iteration"),
            ("1978", "Puterman and Shin:\nmodified policy iteration"),
        ]
    )
    return drawing


EXAMPLES = [
    backup_diagrams,
    policy_iteration,
    markov_chain,
    residual_block,
    data_flow,
    product,
    attention_weights,
    game_tree,
    timeline,
]
