"""Run something random several times, and say how much the result varies.

result = over_seeds(lambda seed: train(seed).accuracy)
print(result)          # 0.93 ± 0.02 over 5 seeds (0.90 to 0.96)
result.band(axes, x)   # a line with its spread, where each run gave an array
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class OverSeeds:
    """Results of the same computation for several seeds.

    Attributes:
        values: shape (n_seeds, ...), one result a row, in the order of the seeds.
    """

    values: np.ndarray

    @property
    def n_seeds(self) -> int:
        """How many runs there were."""
        return len(self.values)

    @property
    def mean(self):
        """Mean over seeds."""
        return self.values.mean(axis=0)

    @property
    def spread(self):
        """Standard deviation of one run, with n_seeds - 1 in the denominator."""
        return self.values.std(axis=0, ddof=1)

    @property
    def low(self):
        """Smallest result."""
        return self.values.min(axis=0)

    @property
    def high(self):
        """Largest result."""
        return self.values.max(axis=0)

    def __getitem__(self, index) -> OverSeeds:
        """The same entry of each run: `curve[-1]` for the last point of a curve."""
        index = index if isinstance(index, tuple) else (index,)
        return OverSeeds(self.values[(slice(None), *index)])

    def __str__(self) -> str:
        """Mean, spread and range in one line; of arrays, one line for each entry."""
        if self.values.ndim > 1:
            return "\n".join(str(self[i]) for i in range(self.values.shape[1]))
        # decimals that show one digit of the spread (two if it begins with a 1), or three digits
        # of the mean where nothing varies
        size = self.spread / 2 or abs(self.mean) / 100 or 1.0
        decimals = max(0, -int(np.floor(np.log10(size))))
        mean, spread, low, high = (
            f"{np.round(value, decimals) + 0.0:.{decimals}f}".replace("-", "\N{MINUS SIGN}")
            for value in (self.mean, self.spread, self.low, self.high)
        )
        plus_minus = "\N{PLUS-MINUS SIGN}"
        return f"{mean} {plus_minus} {spread} over {self.n_seeds} seeds ({low} to {high})"

    def band(self, axes, x=None, **style):
        """Draw the mean as a line and one spread to each side as a band; returns the line.

        Args:
            axes: Matplotlib axes.
            x: shape (n,), where the entries of the runs lie; their numbers if not given.
            style: what `axes.plot` takes, such as color and label.

        Raises:
            ValueError: the runs did not give arrays of shape (n,).
        """
        if self.values.ndim != 2:
            raise ValueError(f"a band needs one array a run, not results of {self.mean.shape}")
        x = np.arange(self.values.shape[1]) if x is None else np.asarray(x)
        (line,) = axes.plot(x, self.mean, **style)
        below, above = self.mean - self.spread, self.mean + self.spread
        axes.fill_between(x, below, above, color=line.get_color(), alpha=0.2, linewidth=0)
        return line


def over_seeds(function: Callable, seeds: Iterable[int] = range(5)) -> OverSeeds:
    """Call a function with each seed and gather what it returns.

    Args:
        function: takes a seed, returns a number or an array, always of the same shape.
        seeds: at least two different whole numbers.

    Raises:
        ValueError: too few seeds, or results that differ in shape or are not finite.
    """
    seeds = list(seeds)
    if len(set(seeds)) < len(seeds) or len(seeds) < 2:
        raise ValueError(f"a spread needs at least two different seeds, not {seeds}")
    results = [np.asarray(function(seed), dtype=float) for seed in seeds]
    for seed, result in zip(seeds, results, strict=True):
        if result.shape != results[0].shape:
            raise ValueError(
                f"seed {seeds[0]} gave shape {results[0].shape}, seed {seed} {result.shape}"
            )
        if not np.isfinite(result).all():
            raise ValueError(f"seed {seed} gave a result that is not finite")
    return OverSeeds(np.stack(results))
