"""What an audit found, as plain data, and what it demands of an assignment."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

NAMED_RATE = 0.9
"""Share of misconceptions that the feedback must call by name."""
KILL_RATE = 0.95
"""Share of mutants that good tests notice; of the others, most make no difference."""


@dataclass(frozen=True)
class Survivor:
    """A mutant that the tests of its step do not notice.

    Attributes:
        step: the step's name.
        function: that the edit is in.
        operator: what kind of mistake it is.
        line: in the solution cell, from 1.
        removed: the reference's lines.
        added: the mutant's lines.
        reason: why it does the same as the reference, or "" where nobody said so.
    """

    step: str
    function: str
    operator: str
    line: int
    removed: str
    added: str
    reason: str = ""


@dataclass
class StepAudit:
    """What was measured of one step.

    Attributes:
        name: the grade_id of its solution cell.
        functions: what students write in it.
        points: for passing its tests.
        mutants: how many were tried; 0 where none were.
        killed: how many of them a test noticed.
        killed_by_time: how many of those ran out of time or memory, or died.
        misconceptions: named wrong answers.
        detected: how many of them lose points of this step, every time.
        visible: how many of them the visible tests alone notice.
        diagnosed: how many of them the feedback calls by name.
        alternatives: named other right answers.
        seconds: CPU time of the reference and the tests.
        memory: bytes that the reference and the tests need besides what was there.
    """

    name: str
    functions: list[str]
    points: float
    mutants: int = 0
    killed: int = 0
    killed_by_time: int = 0
    misconceptions: int = 0
    detected: int = 0
    visible: int = 0
    diagnosed: int = 0
    alternatives: int = 0
    seconds: float = 0.0
    memory: int = 0


@dataclass
class Audit:
    """What was measured of one notebook.

    Attributes:
        assignment: whose it is.
        notebook: its name.
        points: for all of it.
        steps: in order.
        survivors: mutants that no test noticed.
        seeds: with how many seeds the reference ran.
        flakes: with how many of them it lost points.
        blank: points of the stub as students get it.
        cuda: how the reference fared on a GPU, or why it did not run there.
        unnamed: misconceptions that the feedback does not call by name.
        pipeline: how many versions earned the same as when they were graded, or why none ran.
        leaks: sentences about what shows too much.
        problems: sentences about what falls short, leaks included.
        mutated: whether mutants were tried.
    """

    assignment: str
    notebook: str
    points: float
    steps: list[StepAudit]
    survivors: list[Survivor] = field(default_factory=list)
    seeds: int = 0
    flakes: int = 0
    blank: float = 0.0
    cuda: str = ""
    unnamed: list[str] = field(default_factory=list)
    pipeline: str = ""
    leaks: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    mutated: bool = False

    @property
    def title(self) -> str:
        """The assignment, with the notebook where that is called otherwise."""
        both = f"{self.assignment}/{self.notebook}"
        return self.assignment if self.assignment == self.notebook else both

    @property
    def graded(self) -> bool:
        """Whether some versions were graded as submissions are."""
        return self.pipeline.endswith("versions graded")

    def total(self, what: str) -> int:
        """The sum over all steps of one of their counts, such as "mutants"."""
        return sum(getattr(step, what) for step in self.steps)

    @property
    def kill_rate(self) -> float | None:
        """Share of all mutants that were killed; those that change nothing count against it."""
        mutants = self.total("mutants")
        return self.total("killed") / mutants if mutants else None

    @property
    def flake_bound(self) -> float:
        """With 95% confidence the reference loses points with at most this share of seeds."""
        return upper_bound(self.flakes, self.seeds)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {**asdict(self), "kill_rate": self.kill_rate, "flake_bound": self.flake_bound}


def upper_bound(failures: int, trials: int, confidence: float = 0.95) -> float:
    """Exact one-sided upper bound of Clopper and Pearson (1934) for the rate of failures.

    It is the rate at which so few failures have probability 1 - confidence.
    """
    if failures >= trials:
        return 1.0
    if failures == 0:
        return float(1.0 - (1.0 - confidence) ** (1.0 / trials))
    low, high = failures / trials, 1.0
    for _ in range(60):
        rate = (low + high) / 2
        so_few = sum(
            math.comb(trials, k) * rate**k * (1 - rate) ** (trials - k) for k in range(failures + 1)
        )
        low, high = (rate, high) if so_few > 1 - confidence else (low, rate)
    return high
