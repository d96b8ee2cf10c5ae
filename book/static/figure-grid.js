// Grids of cells, graphs and grey pictures for a stage of figure.js.
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

  const UNIT = 90;
  const RADIUS = 25;

  // From one circle to another, beside the way back if there is one; a loop lies above its circle.
  function edgePath(from, to, bent) {
    if (from === to) {
      const [x, y] = [from[0], from[1] - RADIUS];
      return { d: `M${x - 10},${y + 2}C${x - 34},${y - 36} ${x + 34},${y - 36} ${x + 10},${y + 1}`,
        tip: [x + 10, y + 1], angle: 2.2, words: [x, y - 34] };
    }
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const way = Math.atan2(dy, dx);
    const turn = bent ? 0.35 : 0;
    const start = [from[0] + RADIUS * Math.cos(way - turn), from[1] + RADIUS * Math.sin(way - turn)];
    const near = RADIUS + 2;
    const tip = [to[0] - near * Math.cos(way + turn), to[1] - near * Math.sin(way + turn)];
    const side = bent ? 16 : 0;
    const middle = [
      (start[0] + tip[0]) / 2 + side * Math.sin(way), (start[1] + tip[1]) / 2 - side * Math.cos(way),
    ];
    const upper = bent || Math.cos(way) >= 0 ? 1 : -1;
    const off = 12 + (bent ? -side / 2 : 0);
    return { d: `M${start}Q${middle} ${tip}`, tip: tip, angle: way + turn,
      words: [middle[0] + upper * off * Math.sin(way), middle[1] - upper * off * Math.cos(way)] };
  }

  function graph(stage, options) {
    const names = Object.keys(options.nodes);
    const places = names.map(function (name) { return options.nodes[name]; });
    const ends = [0, 1].map(function (i) {
      const along = places.map(function (p) { return p[i]; });
      return [Math.min(...along), Math.max(...along)];
    });
    const at = {};
    names.forEach(function (name, i) {
      at[name] = [UNIT * (places[i][0] - ends[0][0]) + 45, UNIT * (ends[1][1] - places[i][1]) + 74];
    });
    const size = [UNIT * (ends[0][1] - ends[0][0]) + 90, UNIT * (ends[1][1] - ends[1][0]) + 114];
    const holder = element("div", { class: "interactive-plot" }, stage.views);
    const svg = element("svg:svg", {
      viewBox: `0 0 ${size[0]} ${size[1]}`, role: options.pick ? "group" : "img",
      "aria-label": options.label, style: `max-width: ${1.15 * size[0]}px`,
    }, holder);
    const edges = {};
    options.edges.forEach(function ([from, to]) {
      const back = options.edges.some(function (e) { return e[0] === to && e[1] === from; });
      const way = edgePath(at[from], at[to], back && from !== to);
      const group = element("svg:g", { "aria-hidden": "true" }, svg);
      const line = element("svg:path", { d: way.d, fill: "none" }, group);
      const head = element("svg:path", {
        d: "M0,0L-10,-4.5V4.5Z", stroke: "none",
        transform: `translate(${way.tip}) rotate(${(way.angle * 180) / Math.PI})`,
      }, group);
      const words = element("svg:text", {
        x: way.words[0], y: way.words[1], "text-anchor": "middle", "dominant-baseline": "central",
        "font-size": 14, fill: "currentColor",
      }, group);
      edges[`${from}>${to}`] = { group, line, head, words };
    });
    const nodes = {};
    names.forEach(function (name) {
      const group = element("svg:g", Object.assign(
        { transform: `translate(${at[name]})`, class: "interactive-handle" },
        options.pick ? { tabindex: 0, role: "button", "aria-label": name } : { "aria-hidden": "true" }
      ), svg);
      const circle = element("svg:circle", { r: RADIUS, stroke: "currentColor" }, group);
      element("svg:circle", { r: RADIUS + 5, fill: "none", class: "interactive-focus" }, group);
      const lines = [0, 1].map(function () {
        return element("svg:text", {
          "text-anchor": "middle", "dominant-baseline": "central", "font-size": 14,
        }, group);
      });
      nodes[name] = { group, circle, lines };
      if (!options.pick) return;
      stage.listen(group, "click", function () { options.pick(name); });
      group.addEventListener("keydown", stage.guard(function (event) {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        options.pick(name);
        stage.changed();
      }));
    });
    return {
      describe: function (text) { svg.setAttribute("aria-label", text); },
      set: function (what) {
        Object.entries(edges).forEach(function ([key, edge]) {
          const look = (what.edges || {})[key] || {};
          edge.group.setAttribute("opacity", look.faded ? 0.25 : 1);
          edge.line.setAttribute("stroke", look.colour || "currentColor");
          edge.line.setAttribute("stroke-width", look.width || 1.4);
          edge.head.setAttribute("fill", look.colour || "currentColor");
          edge.words.textContent = look.label || "";
        });
        Object.entries(nodes).forEach(function ([name, node]) {
          const look = (what.nodes || {})[name] || {};
          const texts = [look.text === undefined ? name : look.text, look.note || ""];
          node.group.setAttribute("opacity", look.faded ? 0.25 : 1);
          node.circle.setAttribute("fill", look.ground || "transparent");
          node.circle.setAttribute("stroke-width", look.ring ? 4 : 1.4);
          node.lines.forEach(function (line, i) {
            line.textContent = texts[i];
            line.setAttribute("y", texts[1] ? 16 * i - 8 : 0);
            line.setAttribute("fill", look.ink || "currentColor");
          });
          if (options.pick) node.group.setAttribute("aria-label", look.label || texts.join(" ").trim());
        });
      },
    };
  }

  Object.assign(Stage.prototype, {
    // Circles and arrows. options: nodes, each name with its place [x, y]; edges, pairs of names, of
    // one name for a loop; label; pick(name), after a click, Enter or Space. set({nodes, edges})
    // says by name how a node looks: text, note, ground, ink, ring, faded, label; and by "from>to"
    // how an edge does: label, colour, width, faded.
    graph: function (options) { return graph(this, options); },

    // A grid of cells to walk through with the arrow keys. options: rows, columns, label; rowNames,
    // columnNames; small; pick(row, column), after a click, Enter or Space; key(event, row, column),
    // true if it has used the key; enter(row, column), when the focus comes.
    grid: function (options) { return grid(this, options); },

    // A grey picture; set(values, label) takes shares of ink between 0 and 1, row by row.
    picture: function (options) { return picture(this, options); },
  });
})();
