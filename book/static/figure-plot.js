// Plots with axes, layers and points to drag, for a stage of figure.js.
"use strict";

(function () {
  const { Stage, clamp, compact, element, number } = window.figure;
  const FONT = 14;
  let clips = 0;

  // About `count` round numbers between low and high.
  function ticks(low, high, count) {
    const rough = (high - low) / count;
    const size = Math.pow(10, Math.floor(Math.log10(rough)));
    const step = size * [1, 2, 5, 10].find(function (m) { return m * size >= rough * 0.999; });
    const first = Math.ceil(low / step - 1e-9);
    const found = [];
    for (let i = first; i * step <= high + step * 1e-9; i += 1) {
      found.push(Number((i * step).toPrecision(12)));
    }
    return found;
  }

  function powers(low, high) {
    const first = Math.ceil(Math.log10(low) - 1e-9);
    const count = Math.floor(Math.log10(high) + 1e-9) - first + 1;
    return Array.from({ length: count }, function (_, i) { return Math.pow(10, first + i); });
  }

  // A layer of a plot: one SVG element for each thing given to set().
  function layer(group, name, place) {
    return {
      group: group,
      set: function (things) {
        while (group.children.length > things.length) group.lastChild.remove();
        things.forEach(function (thing, i) {
          const made = group.children[i] || element(name, {}, group);
          Object.entries(place(thing, i)).forEach(function ([key, value]) {
            if (key === "text") made.textContent = value; else made.setAttribute(key, value);
          });
        });
      },
    };
  }

  class Plot {
    constructor(stage, options) {
      this.stage = stage;
      this.options = options;
      const width = options.width || 420;
      const left = options.yLabel ? 62 : options.yTicks === false ? 8 : 44;
      const below = options.xLabel ? 48 : options.xTicks === false ? 8 : 28;
      const [right, top] = [width - 12, 14];
      const wide = (right - left) / (options.x[1] - options.x[0]);
      const height = options.equal ? top + below + wide * (options.y[1] - options.y[0])
        : options.height || 260;
      this.box = { left: left, right: right, top: top, bottom: height - below };
      this.holder = element("div", { class: "interactive-plot" }, stage.views);
      this.svg = element("svg:svg", {
        viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": options.label || "plot",
        style: `max-width: ${1.15 * width}px`,
      }, this.holder);
      this.legend = null;
      const clip = `figure-clip-${(clips += 1)}`;
      element("svg:rect", {
        x: this.box.left, y: this.box.top - 2, width: this.box.right - this.box.left,
        height: this.box.bottom - this.box.top + 4,
      }, element("svg:clipPath", { id: clip }, element("svg:defs", {}, this.svg)));
      this.frame = element("svg:g", { class: "interactive-axes" }, this.svg);
      this.inside = element("svg:g", { "clip-path": `url(#${clip})` }, this.svg);
      this.above = element("svg:g", {}, this.svg);
      this.limits({ x: options.x, y: options.y });
    }

    // New ends of the axes; set the layers again afterwards.
    limits(ends) {
      this.ends = Object.assign({}, this.ends, ends);
      const { left, right, top, bottom } = this.box;
      const scale = function (pair, log, from, to) {
        const at = log ? Math.log10 : function (v) { return v; };
        return function (value) {
          return from + ((to - from) * (at(value) - at(pair[0]))) / (at(pair[1]) - at(pair[0]));
        };
      };
      this.x = scale(this.ends.x, this.options.xLog, left, right);
      this.y = scale(this.ends.y, this.options.yLog, bottom, top);
      this.axes();
    }

    axes() {
      const { left, right, top, bottom } = this.box;
      const options = this.options;
      const plot = this;
      this.frame.replaceChildren();
      const marks = function (given, pair, log, count) {
        if (given !== undefined) return given || [];
        return log ? powers(pair[0], pair[1]) : ticks(pair[0], pair[1], count);
      };
      const text = function (value, log) {
        return log ? compact(value, 1) : String(value).replace("-", "\u2212");
      };
      const write = function (x, y, anchor, words) {
        const style = { x: x, y: y, "text-anchor": anchor, "font-size": FONT };
        return element("svg:text", style, plot.frame, words);
      };
      marks(options.xTicks, this.ends.x, options.xLog, 6).forEach(function (value) {
        element("svg:path", { d: `M${plot.x(value)},${bottom}v5` }, plot.frame);
        write(plot.x(value), bottom + 19, "middle", text(value, options.xLog));
      });
      marks(options.yTicks, this.ends.y, options.yLog, 4).forEach(function (value) {
        element("svg:path", { d: `M${left},${plot.y(value)}h-5` }, plot.frame);
        write(left - 8, plot.y(value) + 5, "end", text(value, options.yLog));
      });
      if (options.xTicks !== false || options.yTicks !== false) {
        element("svg:path", { d: `M${left},${top}V${bottom}H${right}` }, this.frame);
      }
      if (options.xLabel) write((left + right) / 2, bottom + 41, "middle", options.xLabel);
      if (options.yLabel) {
        write(0, 0, "middle", options.yLabel)
          .setAttribute("transform", `translate(14,${(top + bottom) / 2}) rotate(-90)`);
      }
    }

    // What a screen reader says in the place of the drawing.
    describe(text) {
      this.svg.setAttribute("aria-label", text);
    }

    name(style, kind) {
      if (!style.name) return;
      this.legend = this.legend || element("ul", { class: "interactive-legend" }, this.holder);
      const item = element("li", {}, this.legend);
      const sample = element("svg:svg", { viewBox: "0 0 26 12", "aria-hidden": "true" }, item);
      element("svg:path", kind === "line"
        ? { d: "M0,6H26", stroke: style.colour, "stroke-width": 3, "stroke-dasharray": style.dash }
        : { d: "M7,0h12v12h-12z", fill: style.colour, "fill-opacity": style.opacity || 1 }, sample);
      element("span", {}, item, style.name);
    }

    group(attributes) {
      return element("svg:g", attributes, this.inside);
    }

    // set([[x, y], ...]); a point that is not finite breaks the line.
    line(style) {
      this.name(style, "line");
      const path = element("svg:path", {
        fill: "none", stroke: style.colour, "stroke-width": style.width || 2.2,
        "stroke-dasharray": style.dash, "stroke-linejoin": "round",
      }, this.inside);
      const plot = this;
      return {
        set: function (points) {
          let pen = "M";
          path.setAttribute("d", points.map(function (p) {
            const [x, y] = [plot.x(p[0]), plot.y(p[1])];
            if (!Number.isFinite(x) || !Number.isFinite(y)) {
              pen = "M";
              return "";
            }
            const step = `${pen}${x.toFixed(1)},${clamp(y, -2000, 2000).toFixed(1)}`;
            pen = "L";
            return step;
          }).join(""));
        },
      };
    }

    // set([[x, y], ...]) fills what lies between the points and y = 0.
    area(style) {
      this.name(style, "area");
      const path = element("svg:path", {
        fill: style.colour, "fill-opacity": style.opacity || 0.25,
      }, this.inside);
      const plot = this;
      return {
        set: function (points) {
          const base = plot.y(plot.options.yLog ? plot.ends.y[0] : 0);
          const line = points.map(function (p) {
            return `${plot.x(p[0]).toFixed(1)},${plot.y(p[1]).toFixed(1)}`;
          });
          const ends = [points[0], points[points.length - 1]].map(function (p) {
            return `${plot.x(p[0])},${base}`;
          });
          path.setAttribute("d", `M${ends[0]}L${line.join("L")}L${ends[1]}Z`);
        },
      };
    }

    // set([[x, y], ...]) fills what the points go around: a box, an ellipse.
    region(style) {
      this.name(style, "region");
      const path = element("svg:path", {
        fill: style.colour, "fill-opacity": style.opacity || 0.25, stroke: style.colour,
        "stroke-width": style.width || 1.8, "stroke-dasharray": style.dash,
      }, this.inside);
      const plot = this;
      return {
        set: function (points) {
          const around = points.map(function (p) {
            return `${plot.x(p[0]).toFixed(1)},${plot.y(p[1]).toFixed(1)}`;
          });
          path.setAttribute("d", `M${around.join("L")}Z`);
        },
      };
    }

    // set([[x, y], ...]), or [x, y, colour] for a dot of its own colour.
    dots(style) {
      this.name(style, "dots");
      const plot = this;
      return layer(this.group({ "fill-opacity": style.opacity }), "svg:circle", function (p) {
        return { cx: plot.x(p[0]), cy: plot.y(p[1]), r: style.radius || 4, fill: p[2] || style.colour };
      });
    }

    // set([[x, height], ...]); style.width in units of x.
    bars(style) {
      this.name(style, "bars");
      const plot = this;
      return layer(this.group({ "fill-opacity": style.opacity }), "svg:rect", function (p) {
        const base = plot.y(0);
        const end = plot.y(p[1]);
        const left = plot.x(p[0] + (style.shift || 0) - style.width / 2);
        return {
          x: left, width: plot.x(p[0] + (style.shift || 0) + style.width / 2) - left,
          y: Math.min(base, end), height: Math.abs(base - end), fill: p[2] || style.colour,
        };
      });
    }

    // set([[x, y, text], ...])
    texts(style) {
      const plot = this;
      const group = this.group({
        "font-size": style.size || FONT, "text-anchor": style.anchor || "middle",
        "dominant-baseline": "central", fill: style.colour || "currentColor",
        "fill-opacity": style.opacity,
      });
      return layer(group, "svg:text", function (p) {
        return { x: plot.x(p[0]), y: plot.y(p[1]), text: p[2] };
      });
    }

    // set([[x, y, dx, dy], ...]): arrows in data units.
    arrows(style) {
      this.name(style, "line");
      const plot = this;
      const group = this.group({
        stroke: style.colour, "stroke-width": style.width || 1.8, fill: "none",
      });
      return layer(group, "svg:path", function (p) {
        const [x1, y1] = [plot.x(p[0]), plot.y(p[1])];
        const [x2, y2] = [plot.x(p[0] + p[2]), plot.y(p[1] + p[3])];
        const angle = Math.atan2(y2 - y1, x2 - x1);
        const head = Math.min(7, Math.hypot(x2 - x1, y2 - y1) / 2);
        const barb = function (turn) {
          return `M${x2},${y2}l${-head * Math.cos(angle + turn)},${-head * Math.sin(angle + turn)}`;
        };
        return { d: `M${x1},${y1}L${x2},${y2}${barb(0.45)}${barb(-0.45)}` };
      });
    }

    // set(rows): a colour for each cell of rows that fill the plot, the first row on top.
    heat() {
      const { left, right, top, bottom } = this.box;
      const group = this.group({});
      return {
        set: function (rows) {
          const flat = layer(group, "svg:rect", function (colour, i) {
            const [w, h] = [(right - left) / rows[0].length, (bottom - top) / rows.length];
            return {
              x: left + w * (i % rows[0].length), y: top + h * Math.floor(i / rows[0].length),
              width: w + 0.4, height: h + 0.4, style: `fill: ${colour}`,
            };
          });
          flat.set(rows.flat());
        },
      };
    }

    // set(value): a line across the plot at this x, or at this y where style.along is "y".
    rule(style) {
      this.name(style, "line");
      const plot = this;
      const path = element("svg:path", {
        stroke: style.colour, "stroke-width": style.width || 1.4, "stroke-dasharray": style.dash,
      }, this.inside);
      return {
        set: function (value) {
          const { left, right, top, bottom } = plot.box;
          path.setAttribute("d", style.along === "y"
            ? `M${left},${plot.y(value)}H${right}` : `M${plot.x(value)},${top}V${bottom}`);
        },
      };
    }

    // A point to drag, or to move with the arrow keys (Shift: ten steps). options: x, y, label,
    // colour, step; fixed: "x" or "y" does not move; anywhere: a press on the plot brings it
    // there; moved(x, y) may say where it goes instead, as a pair; shape: "cross". Linear axes.
    handle(options) {
      const plot = this;
      const stage = this.stage;
      const step = options.step || 0.05;
      const colour = options.colour || window.figure.ORANGE;
      // What can be moved must not lie in a picture: a screen reader would pass over it.
      this.svg.setAttribute("role", "group");
      [this.frame, this.inside].forEach(function (g) { g.setAttribute("aria-hidden", "true"); });
      const holder = element("svg:g", {
        tabindex: 0, role: "slider", class: "interactive-handle", "aria-label": options.label,
      }, this.above);
      element("svg:circle", { r: 20, fill: "transparent" }, holder);
      element("svg:circle", { r: 13, fill: "none", class: "interactive-focus" }, holder);
      if (options.shape === "cross") {
        element("svg:path", { d: "M-11,0H11M0,-11V11", stroke: colour, "stroke-width": 4 }, holder);
      } else {
        element("svg:circle", { r: 8, fill: colour }, holder);
      }
      const handle = { x: options.x, y: options.y, element: holder, set: set };

      function set(x, y) {
        const { x: xs, y: ys } = plot.ends;
        const snap = function (v) {
          return Number((Math.round(v / step) * step).toPrecision(12)) + 0;
        };
        handle.x = options.fixed === "x" ? handle.x : clamp(snap(x), xs[0], xs[1]);
        handle.y = options.fixed === "y" ? handle.y : clamp(snap(y), ys[0], ys[1]);
        const other = options.moved && options.moved(handle.x, handle.y);
        if (other) [handle.x, handle.y] = other;
        place();
      }

      function place() {
        holder.setAttribute("transform", `translate(${plot.x(handle.x)},${plot.y(handle.y)})`);
        const along = options.fixed === "x" ? "y" : "x";
        holder.setAttribute("aria-valuenow", handle[along]);
        holder.setAttribute("aria-valuemin", plot.ends[along][0]);
        holder.setAttribute("aria-valuemax", plot.ends[along][1]);
        const digits = Math.min(4, Math.max(0, Math.ceil(-Math.log10(step))));
        holder.setAttribute("aria-valuetext", options.fixed
          ? number(handle[along], digits)
          : `${number(handle.x, digits)}, ${number(handle.y, digits)}`);
      }

      function follow(event) {
        const box = plot.svg.getBoundingClientRect();
        const scale = plot.svg.viewBox.baseVal.width / box.width;
        const { left, right, top, bottom } = plot.box;
        const { x, y } = plot.ends;
        set(
          x[0] + ((x[1] - x[0]) * ((event.clientX - box.left) * scale - left)) / (right - left),
          y[0] + ((y[1] - y[0]) * (bottom - (event.clientY - box.top) * scale)) / (bottom - top)
        );
      }

      const target = options.anywhere ? this.svg : holder;
      target.classList.add("interactive-drag");
      // touch-action is not enough: Chromium scrolls with a finger on a part of an SVG.
      target.addEventListener("touchstart", function (event) { event.preventDefault(); }, {
        passive: false,
      });
      stage.listen(target, "pointerdown", function (event) {
        event.stopPropagation(); // not also to a point that is brought to any place
        target.setPointerCapture(event.pointerId);
        holder.focus({ preventScroll: true });
        if (options.anywhere) follow(event);
      });
      target.addEventListener("pointermove", stage.guard(function (event) {
        if (!target.hasPointerCapture(event.pointerId)) return;
        follow(event);
        stage.changed();
      }));
      holder.addEventListener("keydown", stage.guard(function (event) {
        const moves = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
        if (!moves[event.key]) return;
        const size = step * (event.shiftKey ? 10 : 1);
        event.preventDefault();
        set(handle.x + size * moves[event.key][0], handle.y + size * moves[event.key][1]);
        stage.changed();
      }));
      place();
      return handle;
    }
  }

  // A drawing with axes. options: x and y, each [low, high]; xLabel, yLabel; xTicks, yTicks, or
  // false for none; xLog, yLog; width, height in units of a 14-unit letter; equal, for one scale in
  // both directions, which makes the height; label, what it shows.
  Stage.prototype.plot = function (options) { return new Plot(this, options); };
})();
