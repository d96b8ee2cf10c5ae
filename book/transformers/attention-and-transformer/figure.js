// One attention map at a time, by head and by mask, from the weights that the chapter computed.
"use strict";

figure("attention-weights", function (stage, data) {
  const { number, tint } = figure;
  const n = data.words.length;
  const head = stage.select("Head", data.heads, { value: data.heads[data.heads.length - 1] });
  const mask = stage.select("Mask", data.masks);
  stage.row();
  const row = stage.slider("Row that looks", {
    min: 0, max: n - 1, value: n - 2,
    format: function (i) { return `${i}, ${data.words[i]}`; },
  });
  const table = stage.grid({
    rows: n, columns: n, rowNames: data.words, columnNames: data.words, small: true,
    label: "Weights: a row for each position that looks, a column for each that is looked at",
    enter: function (i) { row.set(i); },
  });
  const words = stage.readout();

  function sentence(i, weights) {
    const seen = weights
      .map(function (weight, j) { return [weight, j]; })
      .filter(function (pair) { return pair[0] >= 5; })
      .sort(function (a, b) { return b[0] - a[0]; })
      .slice(0, 4)
      .map(function ([weight, j]) { return `${data.words[j]} at ${j} (${number(weight / 100)})`; });
    const text = `Position ${i}, ${data.words[i]}, looks at `
      + `${seen.length ? seen.join(", ") : "many positions a little"}.`;
    if (i % 2) return text;
    return `${text} Right answer: ${data.answers[i / 2]}`
      + `${data.known[i / 2] ? "" : ", not yet in the text"}. The model gives it probability `
      + `${number(data.chances[mask.index][i / 2])}.`;
  }

  stage.update(function () {
    const map = data.maps[mask.index][head.index];
    map.forEach(function (weights, i) {
      weights.forEach(function (weight, j) {
        table.set(i, j, {
          ground: tint(0.05 + (0.95 * weight) / 100), ring: i === row.value,
          label: `${data.words[i]} at ${i} on ${data.words[j]} at ${j}: ${number(weight / 100)}`,
        });
      });
    });
    words.set(sentence(row.value, map[row.value]));
  });
});
