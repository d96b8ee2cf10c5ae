// Draws the DPO loss and its gradient weight for a chosen beta and log-ratio difference, from the
// curves that the chapter computed. Without this script the page keeps the still figure. Both
// controls are native range inputs, so the keyboard works as everywhere.
"use strict";

(function () {
  const SVG = "http://www.w3.org/2000/svg";
  const PANEL = { left: 36, width: 410, height: 130 };
  const BLUE = "#3a86c8";
  const ORANGE = "#d2691e";

  function element(name, attributes, parent) {
    const node = document.createElementNS(SVG, name);
    Object.entries(attributes).forEach(function (pair) { node.setAttribute(pair[0], pair[1]); });
    parent.append(node);
    return node;
  }

  function minus(text) {
    return text.replace("-", "−");
  }

  // One plot: axes with labels, a curve to be filled, and a dot.
  function panel(svg, top, gaps, largest, ticks, label) {
    const low = gaps[0];
    const span = gaps[gaps.length - 1] - low;
    const x = function (gap) { return PANEL.left + (PANEL.width * (gap - low)) / span; };
    const y = function (value) {
      return top + PANEL.height * (1 - Math.min(value, largest) / largest);
    };
    const text = { fill: "currentColor", "font-size": 13 };
    ticks.forEach(function (tick) {
      element("line", {
        x1: x(low), x2: x(low + span), y1: y(tick), y2: y(tick), stroke: "#858c96", opacity: 0.35,
      }, svg);
      element("text", { ...text, x: PANEL.left - 8, y: y(tick) + 4, "text-anchor": "end" }, svg)
        .textContent = String(tick);
    });
    element("line", {
      x1: x(0), x2: x(0), y1: top, y2: top + PANEL.height, stroke: "#858c96", opacity: 0.6,
    }, svg);
    element("text", { ...text, x: PANEL.left, y: top - 8 }, svg).textContent = label;
    const curve = element("path", { fill: "none", stroke: BLUE, "stroke-width": 2.2 }, svg);
    const dot = element("circle", { r: 6, fill: ORANGE }, svg);
    return function (values, index) {
      const inside = values.map(function (value, i) { return [x(gaps[i]), y(value), value]; })
        .filter(function (point) { return point[2] <= largest; });
      curve.setAttribute("d", "M" + inside.map(function (point) {
        return point[0].toFixed(1) + " " + point[1].toFixed(1);
      }).join("L"));
      dot.setAttribute("cx", x(gaps[index]));
      dot.setAttribute("cy", y(values[index]));
    };
  }

  function slider(controls, name, count, start, update) {
    const label = document.createElement("label");
    label.style.cssText = "display:flex;flex:1 1 18rem;gap:.4rem;align-items:center;margin:0";
    const input = document.createElement("input");
    Object.assign(input, { type: "range", min: "0", max: String(count - 1), value: String(start) });
    input.style.minWidth = "0";
    const caption = document.createElement("span");
    caption.style.cssText = "flex:0 0 8rem;font-variant-numeric:tabular-nums";
    label.append(caption, input);
    controls.append(label);
    input.addEventListener("input", update);
    return function (text) {
      if (text !== undefined) {
        caption.textContent = name + " = " + text;
        input.setAttribute("aria-label", name);
        input.setAttribute("aria-valuetext", text);
      }
      return Number(input.value);
    };
  }

  function start(figure) {
    const data = JSON.parse(figure.querySelector("script").textContent);
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 460 380");
    svg.setAttribute("class", "bookfigure");
    svg.setAttribute("aria-hidden", "true"); // the line of text below says it in words
    svg.style.width = "100%";
    svg.style.maxWidth = "500px";
    const loss = panel(svg, 24, data.gaps, 6, [0, 2, 4, 6], "loss (nats)");
    const weight = panel(svg, 196, data.gaps, 1, [0, 0.5, 1], "weight in the gradient, σ(−βh)");
    data.gaps.forEach(function (gap, i) {
      if (gap % 4 !== 0) return;
      element("text", {
        x: PANEL.left + (PANEL.width * i) / (data.gaps.length - 1), y: 344,
        fill: "currentColor", "font-size": 13, "text-anchor": "middle",
      }, svg).textContent = minus(String(gap));
    });
    element("text", {
      x: PANEL.left + PANEL.width / 2, y: 368, fill: "currentColor", "font-size": 13,
      "text-anchor": "middle",
    }, svg).textContent = "log-ratio difference h (nats)";

    const controls = document.createElement("div");
    controls.className = "gridplayer-controls";
    const words = document.createElement("p");
    words.setAttribute("aria-live", "polite");
    words.style.cssText = "text-align:center;font-variant-numeric:tabular-nums;margin-top:.6rem";

    function update() {
      const b = chooseBeta();
      const g = chooseGap();
      const beta = data.betas[b];
      const losses = data.losses[b];
      const weights = data.weights[b];
      chooseBeta(beta.toFixed(2));
      chooseGap(minus(data.gaps[g].toFixed(2)) + " nats");
      loss(losses, g);
      weight(weights, g);
      words.textContent = "Margin βh = " + minus((beta * data.gaps[g]).toFixed(2)) +
        ": the chosen response wins with probability " + (1 - weights[g]).toFixed(3) +
        ", loss " + losses[g].toFixed(3) + ", pull on the log-ratios β σ(−βh) = " +
        (beta * weights[g]).toFixed(3) + ".";
    }

    const middle = Math.floor(data.betas.length / 2);
    const chooseBeta = slider(controls, "β", data.betas.length, middle, update);
    const chooseGap = slider(controls, "h", data.gaps.length, Math.floor(data.gaps.length / 2), update);
    figure.append(svg, controls, words);
    figure.querySelector(".preferenceloss-still").hidden = true;
    update();
  }

  document.querySelectorAll(".preferenceloss").forEach(start);
})();
