// The kit of the explorables: figure("name", function (stage, data) { ... }) in a chapter's
// figure.js builds what `interactive("name", ...)` left room for on the page. Until it has been
// built, and if anything in it fails, the still of that call is shown. figure-grid.js and
// figure-plot.js add what a stage can show.
//
// A stage has three parts: views, controls, words. Every control calls what stage.update() was
// given; a control's present value is its property `value`.
"use strict";

(function () {
  const SVG = "http://www.w3.org/2000/svg";
  const SPEAK_MS = 500;
  // Stops of Matplotlib's viridis, from 0.12 to 0.95, as book/kit/heatgrid.py colours its tables.
  const VIRIDIS = [
    [71, 42, 122], [65, 68, 135], [54, 92, 141], [45, 113, 142], [37, 132, 142], [31, 152, 139],
    [38, 173, 129], [68, 191, 112], [112, 207, 87], [165, 219, 54], [223, 227, 24],
  ];

  // element("p", ...) makes HTML, element("svg:path", ...) SVG; null and false leave one out.
  function element(name, attributes, parent, text) {
    const made = name.startsWith("svg:")
      ? document.createElementNS(SVG, name.slice(4))
      : document.createElement(name);
    Object.entries(attributes || {}).forEach(function ([key, value]) {
      if (value !== null && value !== undefined && value !== false) {
        made.setAttribute(key, value === true ? "" : value);
      }
    });
    if (text !== undefined && text !== null) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  }

  // A number as text, with a true minus sign and never a negative zero.
  function number(value, digits) {
    if (Number.isNaN(value)) return "not a number";
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "\u2212∞";
    const text = value.toFixed(digits === undefined ? 2 : digits);
    return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "\u2212");
  }

  // A number of any size by its leading digits: 0.00032 is 3.2·10⁻⁴.
  function compact(value, leading) {
    const digits = leading || 3;
    if (value === 0 || !Number.isFinite(value)) return number(value, 0);
    const power = Math.floor(Math.log10(Math.abs(value)));
    if (power >= -2 && power < 5) return number(value, Math.max(0, digits - 1 - power));
    const [head, tail] = value.toExponential(digits - 1).split("e");
    const small = { "-": "⁻", "+": "" };
    const raised = tail.replace(/./g, function (c) {
      return c in small ? small[c] : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c];
    });
    return head.replace("-", "\u2212") + "·10" + raised;
  }

  // Decimals that a step of this size needs.
  function decimals(step) {
    return Math.min(6, (String(step).split(".")[1] || "").length);
  }

  function clamp(value, low, high) {
    return Math.min(high, Math.max(low, value));
  }

  // Numbers from low to high, both included.
  function range(low, high, count) {
    return Array.from({ length: count }, function (_, i) {
      return low + ((high - low) * i) / (count - 1);
    });
  }

  // Ground and ink of a share between 0 and 1, on the scale of the book's grids of numbers.
  function shade(share) {
    const place = clamp(share, 0, 1) * (VIRIDIS.length - 1);
    const i = Math.min(VIRIDIS.length - 2, Math.floor(place));
    const mixed = VIRIDIS[i].map(function (low, c) {
      return Math.round(low + (VIRIDIS[i + 1][c] - low) * (place - i));
    });
    const linear = mixed.map(function (c) {
      return c <= 10 ? c / 3294.6 : Math.pow((c / 255 + 0.055) / 1.055, 2.4);
    });
    const luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    return { ground: `rgb(${mixed})`, ink: luminance > 0.179 ? "#000" : "#fff" };
  }

  // Ground of a number between -1 and 1: orange below 0, blue above, clear at 0.
  function tint(value) {
    const strength = 100 * clamp(Math.abs(value), 0, 1);
    const colour = value < 0 ? "--figure-orange" : "--figure-blue";
    return `color-mix(in srgb, var(${colour}) ${strength.toFixed(1)}%, transparent)`;
  }

  // Random numbers that a seed fixes (mulberry32).
  function random(seed) {
    let state = seed >>> 0;
    function uniform() {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    }
    return {
      uniform: uniform,
      integer: function (below) { return Math.floor(uniform() * below); },
      normal: function () {
        return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
      },
      shuffled: function (list) {
        const made = list.slice();
        for (let i = made.length - 1; i > 0; i -= 1) {
          const j = Math.floor(uniform() * (i + 1));
          [made[i], made[j]] = [made[j], made[i]];
        }
        return made;
      },
    };
  }

  class Stage {
    constructor(host, failed) {
      this.views = element("div", { class: "interactive-views" }, host);
      this.controls = element("div", { class: "interactive-panel" }, host);
      this.words = element("div", { class: "interactive-words" }, host);
      this.failed = failed;
      this.draw = function () {};
      this.players = [];
      this.line = null;
    }

    // What shows the present state; called now and after each change.
    update(draw) {
      this.draw = draw;
    }

    changed() {
      this.guard(this.draw)();
    }

    // The function, after whose failure the still is shown again.
    guard(action) {
      const stage = this;
      return function () {
        try {
          return action.apply(null, arguments);
        } catch (error) {
          stage.stop();
          return stage.failed(error);
        }
      };
    }

    stop() {
      this.players.forEach(function (player) { player.stop(); });
    }

    // Listens to a control: stops what plays, does `change`, shows the result.
    listen(target, type, change) {
      const stage = this;
      target.addEventListener(type, this.guard(function (event) {
        stage.players.forEach(function (player) { if (!player.keeps) player.stop(); });
        if (change) change(event);
        stage.draw();
      }));
    }

    // A new line of controls; the next ones go there.
    row() {
      this.line = element("div", { class: "interactive-controls" }, this.controls);
      return this.line;
    }

    // options: min, max, step or a list `values`; value; unit; digits or format(value); change.
    slider(name, options) {
      const list = options.values;
      const step = list ? 1 : options.step || 1;
      const digits = options.digits === undefined ? decimals(step) : options.digits;
      const label = element("label", { class: "interactive-slider" }, this.line || this.row());
      element("span", {}, label, name);
      const input = element("input", {
        type: "range", step: step, min: list ? 0 : options.min,
        max: list ? list.length - 1 : options.max, "aria-label": name,
      }, label);
      const shown = element("output", { "aria-hidden": "true" }, label);
      const control = {
        input: input,
        get value() {
          const at = Number(input.value);
          return list ? list[at] : at;
        },
        set: function (value) {
          input.value = String(list ? list.indexOf(value) : value);
          control.tell();
        },
        tell: function () {
          const value = control.value;
          const plain = typeof value === "number" && !list ? number(value, digits) : value;
          const unit = options.unit ? "\u00a0" + options.unit : "";
          const text = options.format ? options.format(value)
            : String(plain).replace("-", "\u2212") + unit;
          shown.textContent = text;
          input.setAttribute("aria-valuetext", text);
        },
      };
      const start = options.value === undefined ? (list ? list[0] : options.min) : options.value;
      control.set(start);
      this.listen(input, "input", function () {
        control.tell();
        if (options.change) options.change(control.value);
      });
      return control;
    }

    // choices: texts, or pairs [value, text]; options: value, change.
    select(name, choices, options) {
      const pairs = choices.map(function (c) { return Array.isArray(c) ? c : [c, c]; });
      const label = element("label", { class: "interactive-select" }, this.line || this.row());
      element("span", {}, label, name);
      const input = element("select", {}, label);
      pairs.forEach(function (pair) { element("option", {}, input, pair[1]); });
      const control = {
        input: input,
        get index() { return input.selectedIndex; },
        get value() { return pairs[input.selectedIndex][0]; },
        set: function (value) {
          input.selectedIndex = pairs.findIndex(function (pair) { return pair[0] === value; });
        },
      };
      if (options && options.value !== undefined) control.set(options.value);
      this.listen(input, "change", options && options.change
        ? function () { options.change(control.value); } : null);
      return control;
    }

    toggle(name, on, options) {
      const label = element("label", { class: "interactive-toggle" }, this.line || this.row());
      const input = element("input", { type: "checkbox" }, label);
      element("span", {}, label, name);
      input.checked = Boolean(on);
      this.listen(input, "change", options && options.change
        ? function () { options.change(input.checked); } : null);
      return {
        input: input,
        get value() { return input.checked; },
        set: function (value) { input.checked = value; },
      };
    }

    button(text, action, options) {
      const made = element("button", {
        type: "button", "aria-label": options && options.label,
      }, this.line || this.row(), text);
      this.listen(made, "click", action);
      return made;
    }

    // Buttons Play, Step and Start over. options: step(), done(), reset(); interval in
    // milliseconds; text and label of the step; keeps: other controls do not stop it.
    player(options) {
      const stage = this;
      let timer = null;
      const done = options.done || function () { return false; };
      const player = {
        keeps: Boolean(options.keeps),
        get playing() { return timer !== null; },
        stop: function () {
          window.clearInterval(timer);
          timer = null;
          play.textContent = "Play";
        },
        start: function () {
          if (done()) options.reset();
          play.textContent = "Pause";
          timer = window.setInterval(stage.guard(function () {
            options.step();
            if (done()) player.stop();
            stage.draw();
          }), options.interval || 300);
        },
      };
      const line = this.line || this.row();
      const play = element("button", { type: "button" }, line, "Play");
      play.addEventListener("click", this.guard(function () {
        if (player.playing) player.stop(); else player.start();
        stage.draw();
      }));
      element("button", { type: "button", "aria-label": options.label }, line, options.text || "Step")
        .addEventListener("click", this.guard(function () {
          player.stop();
          if (!done()) options.step();
          stage.draw();
        }));
      if (options.reset) {
        element("button", { type: "button" }, line, "Start over")
          .addEventListener("click", this.guard(function () {
            player.stop();
            options.reset();
            stage.draw();
          }));
      }
      this.players.push(player);
      return player;
    }

    // A sentence about what is shown. Eyes see it at once; a screen reader hears it when it rests.
    readout() {
      const seen = element("p", { class: "interactive-readout" }, this.words);
      const heard = element("p", { class: "visually-hidden", "aria-live": "polite" }, this.words);
      let waiting = null;
      let first = true;
      return {
        set: function (text) {
          if (seen.textContent === text) return;
          seen.textContent = text;
          window.clearTimeout(waiting);
          if (!first) {
            waiting = window.setTimeout(function () { heard.textContent = text; }, SPEAK_MS);
          }
          first = false;
        },
      };
    }

    // How to use it, in muted letters.
    note(text) {
      return element("p", { class: "interactive-note" }, this.words, text);
    }
  }

  function start(root, build) {
    const still = root.querySelector(".interactive-still");
    const host = root.querySelector(".interactive-stage");
    function failed(error) {
      host.hidden = true;
      still.hidden = false;
      window.reportError(error);
    }
    const stage = new Stage(host, failed);
    try {
      build(stage, JSON.parse(root.querySelector("script").textContent));
      stage.draw();
    } catch (error) {
      failed(error);
      return;
    }
    still.hidden = true;
    host.hidden = false;
  }

  window.figure = function (name, build) {
    document.querySelectorAll(".interactive").forEach(function (root) {
      if (root.dataset.figure === name) start(root, build);
    });
  };
  Object.assign(window.figure, {
    Stage, element, number, compact, clamp, range, shade, tint, random,
    BLUE: "var(--figure-blue)", ORANGE: "var(--figure-orange)", GREEN: "var(--figure-green)",
    PURPLE: "var(--figure-purple)", RED: "var(--figure-red)", GREY: "var(--figure-grey)",
  });
})();
