// Grids of cells and grey pictures for a stage of figure.js.
"use strict";

(function () {
  const { Stage, clamp, element } = window.figure;

  function grid(stage, options) {
    const table = element("table", {
      class: "heatgrid" + (options.small ? " heatgrid-small" : ""), role: "grid",
      "aria-label": options.label,
    }, stage.views);
    const body = element("tbody", {}, table);
    const cells = [];
    let at = [0, 0];

    function focus(row, column) {
      cells[at[0]][at[1]].tabIndex = -1;
      at = [clamp(row, 0, options.rows - 1), clamp(column, 0, options.columns - 1)];
      cells[at[0]][at[1]].tabIndex = 0;
      cells[at[0]][at[1]].focus();
    }

    function pressed(event, row, column) {
      const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (options.key && options.key(event, row, column)) {
        stage.changed();
      } else if (moves[event.key]) {
        focus(row + moves[event.key][0], column + moves[event.key][1]);
      } else if (options.pick && (event.key === "Enter" || event.key === " ")) {
        options.pick(row, column);
        stage.changed();
      } else {
        return;
      }
      event.preventDefault();
    }

    function cell(line, row, column) {
      const made = element("td", { role: "gridcell", tabindex: row || column ? -1 : 0 }, line);
      ["b", "i", "small"].forEach(function (name) { element(name, {}, made); });
      stage.listen(made, "click", function () {
        focus(row, column);
        if (options.pick) options.pick(row, column);
      });
      made.addEventListener("keydown", stage.guard(function (event) { pressed(event, row, column); }));
      if (options.enter) {
        made.addEventListener("focus", stage.guard(function () {
          options.enter(row, column);
          stage.changed();
        }));
      }
      return made;
    }

    if (options.columnNames) {
      const head = element("tr", {}, body);
      if (options.rowNames) element("td", {}, head);
      options.columnNames.forEach(function (name) { element("th", { scope: "col" }, head, name); });
    }
    for (let r = 0; r < options.rows; r += 1) {
      const line = element("tr", {}, body);
      if (options.rowNames) element("th", { scope: "row" }, line, options.rowNames[r]);
      cells.push(Array.from({ length: options.columns }, function (_, c) { return cell(line, r, c); }));
    }
    return {
      table: table,
      remove: function () { table.remove(); },
      // What a cell shows: text, mark and note (three lines), ground and ink (colours), wall, ring
      // (outlined), label (said in its place), value (kept in data-value).
      set: function (row, column, what) {
        const made = cells[row][column];
        [what.text, what.mark, what.note].forEach(function (text, i) {
          made.children[i].textContent = text || "";
        });
        made.classList.toggle("wall", Boolean(what.wall));
        made.classList.toggle("ring", Boolean(what.ring));
        made.style.backgroundColor = what.ground || "";
        made.style.color = what.ink || "";
        if (what.label) made.setAttribute("aria-label", what.label);
        if (what.value !== undefined) made.dataset.value = String(what.value);
      },
    };
  }

  function picture(stage, options) {
    const image = element("svg:svg", {
      viewBox: `0 0 ${options.columns} ${options.rows}`, role: "img", class: "interactive-picture",
      "aria-label": options.label,
    }, stage.views);
    const dots = Array.from({ length: options.rows * options.columns }, function (_, i) {
      return element("svg:rect", {
        x: i % options.columns, y: Math.floor(i / options.columns), width: 1.01, height: 1.01,
        fill: "currentColor",
      }, image);
    });
    return {
      set: function (values, label) {
        dots.forEach(function (dot, i) { dot.setAttribute("fill-opacity", values[i].toFixed(3)); });
        if (label) image.setAttribute("aria-label", label);
      },
    };
  }

  Object.assign(Stage.prototype, {
    // A grid of cells to walk through with the arrow keys. options: rows, columns, label; rowNames,
    // columnNames; small; pick(row, column), after a click, Enter or Space; key(event, row, column),
    // true if it has used the key; enter(row, column), when the focus comes.
    grid: function (options) { return grid(this, options); },

    // A grey picture; set(values, label) takes shares of ink between 0 and 1, row by row.
    picture: function (options) { return picture(this, options); },
  });
})();
