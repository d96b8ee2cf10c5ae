// The posterior of a coin's heads probability as flips arrive, from the flips that the chapter drew.
"use strict";

figure("posterior", function (stage, data) {
  const { number, BLUE, GREEN, GREY, ORANGE } = figure;
  const COUNTS = [0.5, 1, 2, 5, 10, 20, 50];
  const POINTS = 1200;
  const total = data.flips.length;

  // theta = sin(phi)^2 puts the points closer together near 0 and 1; width is d theta
  const grid = Array.from({ length: POINTS }, function (_, i) {
    const phi = ((i + 0.5) * Math.PI) / (2 * POINTS);
    return { theta: Math.sin(phi) ** 2, width: (Math.sin(2 * phi) * Math.PI) / (2 * POINTS) };
  });

  function density(a, b) {
    const logs = grid.map(function (p) {
      return (a - 1) * Math.log(p.theta) + (b - 1) * Math.log1p(-p.theta);
    });
    const top = Math.max(...logs);
    const raw = logs.map(function (v) { return Math.exp(v - top); });
    const area = raw.reduce(function (sum, v, i) { return sum + v * grid[i].width; }, 0);
    return raw.map(function (v) { return v / area; });
  }

  function quantile(values, level) {
    let mass = 0;
    return grid.find(function (p, i) {
      mass += values[i] * p.width;
      return mass >= level;
    }).theta;
  }

  const plot = stage.plot({
    x: [0, 1], y: [0, 1.5], xLabel: "heads probability", yLabel: "density",
  });
  plot.rule({ colour: GREEN, name: "truth" }).set(data.truth);
  const lines = [
    plot.line({ colour: GREY, dash: "7 5", name: "prior" }),
    plot.line({ colour: ORANGE, dash: "2 4", name: "likelihood" }),
    plot.line({ colour: BLUE, name: "posterior" }),
  ];
  const seen = stage.slider("Flips seen", { min: 0, max: total });
  const heads = stage.slider("Prior heads a", { values: COUNTS, value: 2 });
  const tails = stage.slider("Prior tails b", { values: COUNTS, value: 2 });
  stage.row();
  stage.player({
    step: function () { seen.set(seen.value + 1); },
    done: function () { return seen.value === total; },
    reset: function () { seen.set(0); },
    interval: 120, text: "One flip",
  });
  stage.button("Ten flips", function () { seen.set(Math.min(total, seen.value + 10)); });
  const words = stage.readout();

  stage.update(function () {
    const n = seen.value;
    const k = data.flips.slice(0, n).reduce(function (sum, v) { return sum + v; }, 0);
    const [a, b] = [heads.value, tails.value];
    const posterior = density(a + k, b + n - k);
    const curves = [density(a, b), density(1 + k, 1 + n - k), posterior];
    // a Beta density below a = 1 has no maximum, so what lies near the edges does not count
    const inside = curves.flatMap(function (curve) {
      return curve.filter(function (_, i) { return grid[i].theta > 0.01 && grid[i].theta < 0.99; });
    });
    plot.limits({ y: [0, 1.05 * Math.max(1.5, ...inside)] });
    curves.forEach(function (curve, i) {
      lines[i].set(curve.map(function (v, j) { return [grid[j].theta, v]; }));
    });
    const [low, high] = [quantile(posterior, 0.025), quantile(posterior, 0.975)];
    const text = `${k} heads, ${n - k} tails. Posterior Beta(${a + k}, ${b + n - k}), next flip heads `
      + `with probability ${number((a + k) / (a + b + n), 3)}, 95\u00a0% interval ${number(low)} to `
      + `${number(high)}.`;
    words.set(text);
    plot.describe(text);
  });
});
