// The latent plane of the VAE: a cross to move, and the picture that the decoder draws there. The
// chapter decoded a grid of points; between them pictures are interpolated.
"use strict";

figure("latent-plane", function (stage, data) {
  const { number, GREY } = figure;
  const NEIGHBOURS = 15;
  const { reach, side } = data;

  const plane = stage.plot({
    x: [-reach, reach], y: [-reach, reach], equal: true,
    xLabel: "z\u2081", yLabel: "z\u2082", label: "codes of the held-out pictures",
  });
  [1, 2].forEach(function (radius) {
    plane.line({ colour: GREY, width: 1.2, dash: "5 5" }).set(
      figure.range(0, 2 * Math.PI, 90).map(function (t) {
        return [radius * Math.cos(t), radius * Math.sin(t)];
      })
    );
  });
  plane.texts({ opacity: 0.75, size: 13 }).set(
    data.codes.map(function (z, i) { return [z[0], z[1], String(data.labels[i])]; })
  );
  const image = stage.picture({ rows: 8, columns: 8 });
  const sliders = [0, 1].map(function (axis) {
    return stage.slider("z" + "\u2081\u2082"[axis], {
      min: -reach, max: reach, step: 0.05, value: 0,
      change: function (value) {
        cross.set(axis ? cross.x : value, axis ? value : cross.y);
      },
    });
  });
  const cross = plane.handle({
    x: 0, y: 0, step: 0.05, anywhere: true, shape: "cross", label: "Point that is decoded",
    moved: function (x, y) {
      sliders[0].set(x);
      sliders[1].set(y);
    },
  });
  const words = stage.readout();

  function share(row, column, pixel) {
    return parseInt(data.pixels[(row * side + column) * 64 + pixel], 36) / 35;
  }

  // Interpolated between the four nearest points of the chapter's grid.
  function picture() {
    const place = [cross.x, cross.y].map(function (z) {
      return ((z + reach) / (2 * reach)) * (side - 1);
    });
    const [column, row] = place.map(function (p) { return Math.min(side - 2, Math.floor(p)); });
    const [right, up] = [place[0] - column, place[1] - row];
    return Array.from({ length: 64 }, function (_, i) {
      const low = share(row, column, i) * (1 - right) + share(row, column + 1, i) * right;
      const high = share(row + 1, column, i) * (1 - right) + share(row + 1, column + 1, i) * right;
      return low * (1 - up) + high * up;
    });
  }

  function nearest() {
    const votes = Array(10).fill(0);
    data.codes
      .map(function (z, i) { return [Math.hypot(z[0] - cross.x, z[1] - cross.y), data.labels[i]]; })
      .sort(function (a, b) { return a[0] - b[0]; })
      .slice(0, NEIGHBOURS)
      .forEach(function (pair) { votes[pair[1]] += 1; });
    const digit = votes.indexOf(Math.max(...votes));
    return `${votes[digit]} ${votes[digit] === 1 ? "is" : "are"} a ${digit}`;
  }

  stage.update(function () {
    const point = `(${number(cross.x)}, ${number(cross.y)})`;
    image.set(picture(), `The picture decoded at ${point}`);
    words.set(`z = ${point}. Of the ${NEIGHBOURS} held-out pictures with the nearest codes, `
      + `${nearest()}.`);
  });
});
