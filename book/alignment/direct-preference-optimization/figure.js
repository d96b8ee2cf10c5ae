// The DPO loss and its gradient weight for a chosen beta and log-ratio difference, from the curves
// that the chapter computed.
"use strict";

figure("preference-loss", function (stage, data) {
  const { number, BLUE, GREY, ORANGE } = figure;
  const ends = [data.gaps[0], data.gaps[data.gaps.length - 1]];

  function panel(name, top, yTicks) {
    const plot = stage.plot({
      x: ends, y: [0, top], yTicks: yTicks, yLabel: name, height: 200, label: name,
      xTicks: [-12, -8, -4, 0, 4, 8, 12], xLabel: "log-ratio difference h (nats)",
    });
    plot.rule({ colour: GREY }).set(0);
    const curve = plot.line({ colour: BLUE });
    const dot = plot.dots({ colour: ORANGE, radius: 6 });
    return function (values, at) {
      curve.set(values.map(function (value, i) { return [data.gaps[i], value]; }));
      dot.set([[data.gaps[at], Math.min(top, values[at])]]);
    };
  }

  const loss = panel("loss (nats)", 6, [0, 2, 4, 6]);
  const weight = panel("weight σ(\u2212βh)", 1, [0, 0.5, 1]);
  const beta = stage.slider("β", {
    values: data.betas, value: data.betas[Math.floor(data.betas.length / 2)],
    format: function (value) { return number(value, 2); },
  });
  const gap = stage.slider("h", {
    values: data.gaps, value: data.gaps[Math.floor(data.gaps.length / 2)],
    format: function (value) { return number(value, 2) + " nats"; },
  });
  const words = stage.readout();

  stage.update(function () {
    const b = data.betas.indexOf(beta.value);
    const at = data.gaps.indexOf(gap.value);
    const weights = data.weights[b];
    loss(data.losses[b], at);
    weight(weights, at);
    words.set(`Margin βh = ${number(beta.value * gap.value)}: the chosen response wins with `
      + `probability ${number(1 - weights[at], 3)}, loss ${number(data.losses[b][at], 3)}, pull on `
      + `the log-ratios β σ(\u2212βh) = ${number(beta.value * weights[at], 3)}.`);
  });
});
