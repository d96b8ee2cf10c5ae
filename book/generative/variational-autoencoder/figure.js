// The latent plane of the VAE: a cross to move, and the picture that the decoder draws there. The
// chapter puts a grid of decoded pictures on the page; between its points they are interpolated.
// Without this script the still figure is shown. The sliders are native, so the keyboard works.
"use strict";

(function () {
  const SVG = "http://www.w3.org/2000/svg";
  const NEIGHBOURS = 15;

  function element(parent, name, attributes, text) {
    const made = name.startsWith("svg:")
      ? document.createElementNS(SVG, name.slice(4))
      : document.createElement(name);
    Object.entries(attributes || {}).forEach(function (pair) { made.setAttribute(pair[0], pair[1]); });
    if (text) made.textContent = text;
    parent.append(made);
    return made;
  }

  function signed(value) {
    return value.toFixed(2).replace("-", "\u2212");
  }

  function start(figure) {
    const data = JSON.parse(figure.querySelector("script").textContent);
    const stage = figure.querySelector(".latentplane-stage");
    const reach = data.reach;
    const at = [0, 0];

    function share(row, column, pixel) {
      return parseInt(data.pixels[(row * data.side + column) * 64 + pixel], 36) / 35;
    }

    function picture() {
      const place = at.map(function (z) { return ((z + reach) / (2 * reach)) * (data.side - 1); });
      const column = Math.min(data.side - 2, Math.floor(place[0]));
      const row = Math.min(data.side - 2, Math.floor(place[1]));
      const right = place[0] - column;
      const up = place[1] - row;
      return Array.from({ length: 64 }, function (_, i) {
        const low = share(row, column, i) * (1 - right) + share(row, column + 1, i) * right;
        const high = share(row + 1, column, i) * (1 - right) + share(row + 1, column + 1, i) * right;
        return low * (1 - up) + high * up;
      });
    }

    function nearest() {
      const order = data.codes
        .map(function (z, i) { return [Math.hypot(z[0] - at[0], z[1] - at[1]), data.labels[i]]; })
        .sort(function (a, b) { return a[0] - b[0]; })
        .slice(0, NEIGHBOURS);
      const votes = Array(10).fill(0);
      order.forEach(function (pair) { votes[pair[1]] += 1; });
      const digit = votes.indexOf(Math.max.apply(null, votes));
      return [digit, votes[digit]];
    }

    const row = element(stage, "div", {
      style: "display:flex;flex-wrap:wrap;gap:1rem 2rem;justify-content:center;align-items:center",
    });
    const size = 2 * reach + 0.4;
    const plane = element(row, "svg:svg", {
      viewBox: [-size / 2, -size / 2, size, size].join(" "),
      "aria-hidden": "true",
      style: "flex:1 1 17rem;max-width:24rem;color:var(--pst-color-text-base);cursor:crosshair;" +
        "touch-action:none;user-select:none",
    });
    element(plane, "svg:rect", {
      x: -reach, y: -reach, width: 2 * reach, height: 2 * reach,
      fill: "transparent", stroke: "currentColor", "stroke-opacity": 0.5, "stroke-width": 0.02,
    });
    [1, 2].forEach(function (radius) {
      element(plane, "svg:circle", {
        r: radius, fill: "none", stroke: "currentColor", "stroke-opacity": 0.35,
        "stroke-width": 0.02, "stroke-dasharray": "0.08 0.08",
      });
    });
    data.codes.forEach(function (z, i) {
      if (Math.max(Math.abs(z[0]), Math.abs(z[1])) > reach) return;
      element(plane, "svg:text", {
        x: z[0], y: -z[1], "font-size": 0.2, "text-anchor": "middle",
        "dominant-baseline": "central", fill: "currentColor", "fill-opacity": 0.75,
      }, String(data.labels[i]));
    });
    const cross = element(plane, "svg:path", {
      d: "M-0.3 0H0.3M0-0.3V0.3", fill: "none", stroke: "#d2691e", "stroke-width": 0.09,
    });

    const image = element(row, "svg:svg", {
      viewBox: "0 0 8 8", role: "img",
      style: "flex:0 1 11rem;min-width:9rem;color:var(--pst-color-text-base);" +
        "border:1px solid var(--pst-color-text-muted)",
    });
    const pixels = Array.from({ length: 64 }, function (_, i) {
      return element(image, "svg:rect", {
        x: i % 8, y: Math.floor(i / 8), width: 1.01, height: 1.01, fill: "currentColor",
      });
    });

    const controls = element(stage, "div", { class: "gridplayer-controls" });
    const sliders = [0, 1].map(function (axis) {
      const label = element(controls, "label", {
        style: "display:flex;gap:.5rem;align-items:center;flex:1 1 14rem;max-width:20rem",
      }, "z" + "\u2081\u2082"[axis]);
      const slider = element(label, "input", {
        type: "range", min: -reach, max: reach, step: 0.05,
        "aria-label": "Latent dimension " + (axis + 1), style: "flex:1;min-width:0",
      });
      slider.addEventListener("input", function () {
        at[axis] = Number(slider.value);
        show();
      });
      return slider;
    });
    const readout = element(stage, "p", {
      "aria-live": "polite", style: "text-align:center;margin-top:.6rem;min-height:3em",
    });

    function show() {
      const found = nearest();
      const point = "(" + signed(at[0]) + ", " + signed(at[1]) + ")";
      cross.setAttribute("transform", "translate(" + at[0] + " " + -at[1] + ")");
      picture().forEach(function (value, i) { pixels[i].setAttribute("fill-opacity", value.toFixed(3)); });
      image.setAttribute("aria-label", "The picture decoded at " + point);
      sliders.forEach(function (slider, axis) { slider.value = String(at[axis]); });
      readout.textContent = "z = " + point + ". Of the " + NEIGHBOURS + " held-out pictures with the " +
        "nearest codes, " + found[1] + (found[1] === 1 ? " is a " : " are a ") + found[0] + ".";
    }

    function move(event) {
      const box = plane.getBoundingClientRect();
      [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height].forEach(
        function (part, axis) {
          const z = Math.round((part - 0.5) * size * 20) / 20;
          at[axis] = Math.min(reach, Math.max(-reach, z)) + 0;
        }
      );
      show();
    }
    plane.addEventListener("pointerdown", function (event) {
      plane.setPointerCapture(event.pointerId);
      move(event);
    });
    plane.addEventListener("pointermove", function (event) {
      if (plane.hasPointerCapture(event.pointerId)) move(event);
    });

    figure.querySelector(".latentplane-still").hidden = true;
    stage.hidden = false;
    show();
  }

  document.querySelectorAll(".latentplane").forEach(start);
})();
