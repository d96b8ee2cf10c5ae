"""Claims over seeds: mean, spread, range, one line of text, a band in a figure."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
import reproduced as kit
from matplotlib.figure import Figure
from seeds import OverSeeds, over_seeds


def test_numbers_give_mean_spread_and_range() -> None:
    result = over_seeds(lambda seed: [0.90, 0.93, 0.96][seed], range(3))
    assert result.n_seeds == 3
    assert result.mean == pytest.approx(0.93)
    assert result.spread == pytest.approx(0.03)
    assert (result.low, result.high) == (0.90, 0.96)
    assert str(result) == "0.93 ± 0.03 over 3 seeds (0.90 to 0.96)"


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([-97.1, -95.1, -96.3], "-96.2 ± 1.0 over 3 seeds (-97.1 to -95.1)"),
        ([1234.0, 1100.0], "1167 ± 95 over 2 seeds (1100 to 1234)"),
        ([2.5, 2.5], "2.50 ± 0.00 over 2 seeds (2.50 to 2.50)"),
        ([0.0, 0.0], "0 ± 0 over 2 seeds (0 to 0)"),
        ([0.00012, 0.00018], "0.00015 ± 0.00004 over 2 seeds (0.00012 to 0.00018)"),
    ],
)
def test_line_has_the_digits_that_the_spread_allows(values: list[float], line: str) -> None:
    assert str(OverSeeds(np.array(values))).replace("\N{MINUS SIGN}", "-") == line


def test_arrays_keep_their_shape_and_can_be_indexed() -> None:
    result = over_seeds(lambda seed: np.arange(3.0) + seed)
    assert result.values.shape == (5, 3)
    np.testing.assert_allclose(result.mean, [2, 3, 4])
    assert str(result[-1]) == "4.0 ± 1.6 over 5 seeds (2.0 to 6.0)"
    assert str(result).splitlines()[-1] == str(result[-1])


def test_band_is_a_line_with_one_spread_to_each_side() -> None:
    matplotlib.use("agg")
    axes = Figure().subplots()
    result = over_seeds(lambda seed: np.array([0.0, 1.0]) + seed, range(3))
    line = result.band(axes, [10, 20], label="loss")
    np.testing.assert_allclose(line.get_xydata(), [[10, 1], [20, 2]])
    assert line.get_label() == "loss"
    corners = axes.collections[0].get_paths()[0].vertices
    assert corners[:, 1].min() == pytest.approx(0)
    assert corners[:, 1].max() == pytest.approx(3)
    with pytest.raises(ValueError, match="one array a run"):
        result[0].band(axes)


def test_a_result_can_be_compared_with_a_printed_number(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr(kit, "display", lambda data, raw: shown.append(data["text/html"]))
    result = over_seeds(lambda seed: [0.90, 0.93, 0.96][seed], range(3))
    kit.reproduced("A", cite="a", where="Table 1", expected="0.85", ours=result)
    assert "3 times the spread of 0.03 over 3 seeds" in shown[0]
    with pytest.raises(kit.NotReproducedError):
        kit.reproduced("A", cite="a", where="Table 1", expected="0.83", ours=result)


def test_what_is_no_spread_is_refused() -> None:
    with pytest.raises(ValueError, match="two different seeds"):
        over_seeds(float, [3])
    with pytest.raises(ValueError, match="two different seeds"):
        over_seeds(float, [3, 3])
    with pytest.raises(ValueError, match=r"seed 0 gave shape \(0,\), seed 1 \(1,\)"):
        over_seeds(np.zeros, range(2))
    with pytest.raises(ValueError, match="seed 1 gave a result that is not finite"):
        over_seeds(lambda seed: 1.0 if seed != 1 else np.nan)
