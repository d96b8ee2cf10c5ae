// Shows one attention map at a time, by head and by mask, from the numbers that the chapter put on
// the page. Without this script the still maps are shown. All controls are native.
"use strict";

(function () {
  const BLUE = "58, 134, 200";

  function element(name, text, parent) {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    parent.append(made);
    return made;
  }

  function chooser(name, options, parent, changed) {
    const label = element("label", name + " ", parent);
    const select = element("select", "", label);
    options.forEach(function (option) { element("option", option, select); });
    select.addEventListener("change", changed);
    return select;
  }

  function start(figure) {
    const data = JSON.parse(figure.querySelector("script").textContent);
    const stage = figure.querySelector(".attention-stage");
    const n = data.words.length;

    const controls = element("div", "", stage);
    controls.className = "gridplayer-controls";
    const head = chooser("Head", data.heads, controls, show);
    const mask = chooser("Mask", data.masks, controls, show);
    const label = element("label", "Row that looks ", controls);
    const row = element("input", "", label);
    row.type = "range";
    row.min = "0";
    row.max = String(n - 1);
    row.addEventListener("input", show);

    const table = element("table", "", stage);
    table.className = "heatgrid";
    table.setAttribute("aria-hidden", "true");
    table.style.cssText = "border-spacing:1px;margin-top:.8rem;cursor:pointer";
    const body = element("tbody", "", table);
    const rows = [];
    for (let i = -1; i < n; i += 1) {
      const line = element("tr", "", body);
      for (let j = -1; j < n; j += 1) {
        const word = i < 0 && j < 0 ? "" : i < 0 ? data.words[j] : j < 0 ? data.words[i] : "";
        const cell = element("td", word, line);
        cell.style.cssText = "width:1.25rem;min-width:0;height:1.25rem;padding:0;font-size:.8rem";
        if (i >= 0) cell.addEventListener("click", function () { row.value = String(i); show(); });
      }
      if (i >= 0) rows.push(line);
    }
    const readout = element("p", "", stage);
    readout.setAttribute("aria-live", "polite");
    readout.style.cssText = "min-height:4.8em;margin-top:.8rem";

    function sentence(i, weights) {
      const seen = weights
        .map(function (weight, j) { return [weight, j]; })
        .filter(function (pair) { return pair[0] >= 5; })
        .sort(function (a, b) { return b[0] - a[0]; })
        .slice(0, 4)
        .map(function (pair) {
          return data.words[pair[1]] + " at " + pair[1] + " (" + (pair[0] / 100).toFixed(2) + ")";
        });
      let text = "Position " + i + ", " + data.words[i] + ", looks at ";
      text += seen.length ? seen.join(", ") + "." : "many positions a little.";
      if (i % 2) return text;
      const chance = data.chances[mask.selectedIndex][i / 2].toFixed(2);
      text += " Right answer: " + data.answers[i / 2];
      text += data.known[i / 2] ? "" : ", not yet in the text";
      return text + ". The model gives it probability " + chance + ".";
    }

    function show() {
      const chosen = Number(row.value);
      const map = data.maps[mask.selectedIndex][head.selectedIndex];
      rows.forEach(function (line, i) {
        line.style.outline = i === chosen ? "2px solid var(--pst-color-primary)" : "";
        map[i].forEach(function (weight, j) {
          const cell = line.children[j + 1];
          cell.style.backgroundColor = "rgba(" + BLUE + "," + (0.05 + 0.95 * weight / 100) + ")";
        });
      });
      readout.textContent = sentence(chosen, map[chosen]);
      row.setAttribute("aria-valuetext", "position " + chosen + ", " + data.words[chosen]);
    }

    head.selectedIndex = data.heads.length - 1;
    row.value = String(n - 2);
    figure.querySelector(".attention-still").hidden = true;
    stage.hidden = false;
    show();
  }

  document.querySelectorAll(".attention-viewer").forEach(start);
})();
