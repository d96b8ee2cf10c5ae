"""What a cell changes in place, from its text alone."""

from __future__ import annotations

import pytest

from grader.release.changing import (
    changed_by_functions,
    changed_names,
    changing_functions,
    handed_over,
)

CHANGED = {
    "a[0] = 1\nb.c.d = 2\ne[0][1] += 3\ndel f['k']": {"a", "b", "e", "f"},
    "a.append(1)\nb['k'].add(2)\nc.copy().append(3)": {"a", "b"},
    "frame['new'] = frame.a * 2\nframe.drop(columns='a', inplace=True)": {"frame"},
    "model.fit(x, y)\nopt = SGD(net.parameters())\nt.zero_()": {"model", "net", "t"},
    "random.shuffle(deck)\nheapq.heappush(heap, 1)": {"deck", "heap"},
    "def f():\n    a.append(1)\nb = sorted(a)\nc += 1": {"c"},
    "shuffle(deck)\ninsort(a, 1)\nnp.add.at(b, [0], 1)\nnp.exp(x, out=c)\nd.at(e)": {
        *("deck", "a", "b", "c")
    },
    "nn.init.zeros_(w)\nx.add_(y)": {"nn", "w", "x"},
    "for row in rows:\n    row['k'] = 1\nfor i, each in enumerate(a):\n    each.sort()": {
        *("row", "rows", "each", "a")
    },
    "for k, v in table.items():\n    v.append(k)": {"v", "table"},
    "b = a\nc = b\nc.append(1)": {"a", "b", "c"},
    "for x in a:\n    x += 1\nb = a\nb = b.copy()\nb.append(1)\nc = a[0]\nc.append(1)": {
        *("x", "b", "c")
    },
}


@pytest.mark.parametrize("source", CHANGED)
def test_names_whose_values_a_cell_changes(source: str) -> None:
    assert changed_names(source) == CHANGED[source]


def test_names_that_functions_of_the_notebook_change() -> None:
    source = (
        "def grow(items, other):\n    mine = []\n    mine.append(other[0])\n    items.append(1)\n"
        "    log.append(items)\n    found = log\n    found['k'] = 1\n"
        "def keep(items):\n    items = list(items)\n    items.append(1)\n"
    )
    changing = changing_functions(source)
    assert changing == {"grow": {0, "log"}, "keep": frozenset()}
    assert changed_names("grow(a, b)\nkeep(c)", changing) == {"a", "log"}


def test_calls_whose_result_nobody_takes() -> None:
    source = "lib.mend(a, b[0])\nc = lib.made(c)\nprint(d)\nlib.shown(e)"
    assert [*handed_over(source)] == [
        (1, "lib.mend", {"a", "b"}),
        (3, "print", {"d"}),
    ]
    assert [*handed_over("f(")] == []


def test_names_that_functions_change_when_they_are_called() -> None:
    source = (
        "def note(text):\n    log.append(text)\n    mine = []\n    mine.append(text)\n"
        "    def deep():\n        seen.add(1)\n        mine.pop()\n"
        "class Agent:\n    def act(self, table):\n        self.steps += 1\n        table[0] = 1\n"
        "        for row in rows:\n            row['k'] = 1\n"
        "push = lambda x: stack.append(x)\n"
        "total = 0\ntotal += 1\n"
    )
    assert changed_by_functions(source) == {"log", "seen", "rows", "stack"}
    assert changed_by_functions("def f(:") == set()
