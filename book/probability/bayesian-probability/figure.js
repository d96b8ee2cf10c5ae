// The posterior of a coin's heads probability as flips arrive, from the flips that the chapter on
// Bayesian probability put on the page. Without this script the page keeps the still panels. All
// controls are native, so the keyboard works as everywhere.
"use strict";

(function () {
  const SVG = "http://www.w3.org/2000/svg";
  const WIDTH = 460, HEIGHT = 270, LEFT = 50, RIGHT = 10, TOP = 12, BOTTOM = 44;
  const COUNTS = [0.5, 1, 2, 5, 10, 20, 50];
  const BLUE = "#3a86c8", ORANGE = "#d2691e", GREEN = "#2e9d63", GREY = "#858c96";
  const POINTS = 1200;
  const FRAME_MS = 120;

  // theta = sin(phi)^2 puts the points closer together near 0 and 1; width is d theta
  const grid = Array.from({ length: POINTS }, function (_, i) {
    const phi = ((i + 0.5) * Math.PI) / (2 * POINTS);
    const theta = Math.sin(phi) ** 2;
    return { theta: theta, width: (Math.sin(2 * phi) * Math.PI) / (2 * POINTS) };
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
    for (let i = 0; i < POINTS; i += 1) {
      mass += values[i] * grid[i].width;
      if (mass >= level) return grid[i].theta;
    }
    return 1;
  }

  function element(name, attributes, parent) {
    const made = document.createElementNS(SVG, name);
    Object.entries(attributes).forEach(function (pair) { made.setAttribute(pair[0], pair[1]); });
    if (parent) parent.append(made);
    return made;
  }

  function x(theta) {
    return LEFT + theta * (WIDTH - LEFT - RIGHT);
  }

  const ink = { fill: "currentColor", "font-size": 13 };

  function densityTicks(group, scale) {
    const base = HEIGHT - BOTTOM;
    const highest = (base - TOP) / scale;
    const step = [0.5, 1, 2, 5, 10, 20].find(function (s) { return highest / s < 5; }) || 50;
    group.replaceChildren();
    for (let tick = step; tick <= highest; tick += step) {
      const y = base - tick * scale;
      element("path", { d: `M${LEFT},${y}h-5`, stroke: "currentColor" }, group);
      element("text", { ...ink, x: LEFT - 8, y: y + 4, "text-anchor": "end" }, group)
        .textContent = String(tick);
    }
  }

  function axes(svg) {
    const base = HEIGHT - BOTTOM;
    element("path", { d: `M${LEFT},${TOP}V${base}H${WIDTH - RIGHT}`, fill: "none",
      stroke: "currentColor" }, svg);
    [0, 0.2, 0.4, 0.6, 0.8, 1].forEach(function (tick) {
      element("path", { d: `M${x(tick)},${base}v5`, stroke: "currentColor" }, svg);
      element("text", { ...ink, x: x(tick), y: base + 20, "text-anchor": "middle" }, svg)
        .textContent = String(tick);
    });
    element("text", { ...ink, x: x(0.5), y: HEIGHT - 5, "text-anchor": "middle" }, svg)
      .textContent = "heads probability";
    const middle = (TOP + base) / 2;
    element("text", { ...ink, x: 0, y: 0, "text-anchor": "middle",
      transform: `translate(12,${middle}) rotate(-90)` }, svg).textContent = "density";
  }

  function control(parent, text, values, start, onInput) {
    const label = document.createElement("label");
    label.className = "gridplayer-controls";
    const name = document.createElement("span");
    name.style.minWidth = "12em";
    const slider = document.createElement("input");
    slider.type = "range";
    slider.min = "0";
    slider.max = String(values.length - 1);
    slider.value = String(start);
    label.append(name, slider);
    parent.append(label);
    function show() {
      const value = values[Number(slider.value)];
      name.textContent = `${text}: ${value}`;
      slider.setAttribute("aria-valuetext", `${text}: ${value}`);
    }
    slider.addEventListener("input", function () { show(); onInput(); });
    show();
    return {
      value: function () { return values[Number(slider.value)]; },
      set: function (index) { slider.value = String(index); show(); },
    };
  }

  function button(parent, text, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", action);
    parent.append(made);
    return made;
  }

  function start(figure) {
    const data = JSON.parse(figure.querySelector("script").textContent);
    const stage = document.createElement("div");
    const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img",
      class: "bookfigure" });
    svg.style.maxWidth = "min(100%, 35rem)";
    svg.style.width = "100%";
    axes(svg);
    const ticks = element("g", {}, svg);
    const base = HEIGHT - BOTTOM;
    element("path", { d: `M${x(data.truth)},${TOP}V${base}`, stroke: GREEN }, svg);
    const lines = [[GREY, "7 5"], [ORANGE, "2 4"], [BLUE, "none"]].map(function (style) {
      return element("path", { fill: "none", stroke: style[0], "stroke-width": 2.2,
        "stroke-dasharray": style[1] }, svg);
    });
    const readout = document.createElement("p");
    readout.style.textAlign = "center";
    readout.style.fontVariantNumeric = "tabular-nums";
    stage.append(svg, readout);

    const steps = Array.from({ length: data.flips.length + 1 }, function (_, i) { return i; });
    const seen = control(stage, "Flips seen", steps, 0, function () { stop(); draw(); });
    const prior = [
      control(stage, "Prior heads a", COUNTS, 2, draw),
      control(stage, "Prior tails b", COUNTS, 2, draw),
    ];
    const row = document.createElement("div");
    row.className = "gridplayer-controls";
    button(row, "One flip", function () { stop(); move(1); });
    button(row, "Ten flips", function () { stop(); move(10); });
    const play = button(row, "Play", toggle);
    button(row, "Start over", function () { stop(); move(-data.flips.length); });
    stage.append(row);
    let timer = null;

    function stop() {
      window.clearInterval(timer);
      timer = null;
      play.textContent = "Play";
    }

    function move(change) {
      seen.set(Math.min(data.flips.length, Math.max(0, seen.value() + change)));
      draw();
    }

    function toggle() {
      if (timer !== null) {
        stop();
        return;
      }
      if (seen.value() === data.flips.length) move(-data.flips.length);
      play.textContent = "Pause";
      timer = window.setInterval(function () {
        move(1);
        if (seen.value() === data.flips.length) stop();
      }, FRAME_MS);
    }

    function draw() {
      const n = seen.value();
      const heads = data.flips.slice(0, n).reduce(function (sum, v) { return sum + v; }, 0);
      const a = prior[0].value(), b = prior[1].value();
      const posterior = density(a + heads, b + n - heads);
      const curves = [density(a, b), density(1 + heads, 1 + n - heads), posterior];
      // a Beta density below a = 1 has no maximum, so what lies near the edges does not count
      const inside = curves.flatMap(function (curve) {
        return curve.filter(function (_, i) {
          return grid[i].theta > 0.01 && grid[i].theta < 0.99;
        });
      });
      const scale = (base - TOP) / (1.05 * Math.max(1.5, ...inside));
      densityTicks(ticks, scale);
      curves.forEach(function (curve, i) {
        const points = curve.map(function (v, j) {
          const y = Math.max(TOP, base - v * scale);
          return `${x(grid[j].theta).toFixed(1)},${y.toFixed(1)}`;
        });
        lines[i].setAttribute("d", `M${points.join("L")}`);
      });
      const mean = (a + heads) / (a + b + n);
      const low = quantile(posterior, 0.025), high = quantile(posterior, 0.975);
      const text = `${heads} heads, ${n - heads} tails. Posterior Beta(${a + heads}, `
        + `${b + n - heads}), next flip heads with probability ${mean.toFixed(3)}, `
        + `95\u00a0% interval ${low.toFixed(2)} to ${high.toFixed(2)}.`;
      readout.textContent = text;
      svg.setAttribute("aria-label", text);
    }

    figure.querySelector(".posterior-still").hidden = true;
    figure.append(stage);
    draw();
  }

  document.querySelectorAll(".posterior").forEach(start);
})();
