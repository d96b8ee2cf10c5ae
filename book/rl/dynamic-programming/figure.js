// A grid world to edit, and dynamic programming on it: sweeps of value iteration, of evaluating the
// random policy, or of policy iteration, computed here from the worlds that the chapter describes.
"use strict";

figure("gridworld", function (stage, data) {
  const { compact, number, shade } = figure;
  const MOVES = [["up", -1, 0, "↑"], ["right", 0, 1, "→"], ["down", 1, 0, "↓"], ["left", 0, -1, "←"]];
  const TIE = 1e-9; // values of actions that are closer than this are equal, as on the page
  const STILL = 1e-11; // a sweep that changes no value by more has converged: ties show as ties
  const METHODS = [
    ["best", "value iteration"], ["random", "evaluation of the random policy"],
    ["policy", "policy iteration"],
  ];
  const TOOLS = [
    ["wall", "puts or removes a wall"], ["reward", "gives the cell the reward"],
    ["end", "makes or removes an end"], ["backup", "backs the cell up"],
  ];
  let cells, first, board, V, old, policy, limit, best, sweeps, change, moved, cursor, shown;

  // --- The world: cells of a kind, with a reward for entering; P and R as a list of outcomes ---

  function load() {
    const world = data.worlds[place.index];
    cells = Array.from({ length: world.rows * world.columns }, function (_, s) {
      const end = (world.ends || {})[s];
      const jump = (world.jumps || {})[s];
      const kind = (world.walls || []).includes(s) ? "wall"
        : end !== undefined ? "end" : jump ? "jump" : "floor";
      return { kind: kind, reward: end || (world.rewards || {})[s] || 0, jump: jump };
    });
    first = cells.slice();
    gamma.set(world.gamma);
    slip.set(world.slip || 0);
    if (board) board.remove();
    board = stage.grid({
      rows: world.rows, columns: world.columns, label: "The world, cell by cell",
      pick: function (row, column) { edit(row * world.columns + column); },
    });
    startOver();
  }

  function outcomes(s, a) {
    const world = data.worlds[place.index];
    if (cells[s].kind === "jump") return [[1, cells[s].jump[0], cells[s].jump[1]]];
    const ways = [[1 - slip.value, a], [slip.value / 2, (a + 1) % 4], [slip.value / 2, (a + 3) % 4]];
    return ways.filter(function (way) { return way[0] > 0; }).map(function ([p, way]) {
      const row = Math.floor(s / world.columns) + MOVES[way][1];
      const column = (s % world.columns) + MOVES[way][2];
      const next = row * world.columns + column;
      const open = row >= 0 && row < world.rows && column >= 0 && column < world.columns
        && cells[next].kind !== "wall";
      return open ? [p, next, (world.step || 0) + cells[next].reward]
        : [p, s, (world.step || 0) + (world.bump || 0)];
    });
  }

  let states, model;
  function tabulate() {
    states = cells.map(function (_, s) { return s; })
      .filter(function (s) { return cells[s].kind === "floor" || cells[s].kind === "jump"; });
    model = [];
    states.forEach(function (s) { model[s] = MOVES.map(function (_, a) { return outcomes(s, a); }); });
  }

  // --- Dynamic programming ---

  function q(values, s) {
    return model[s].map(function (ways) {
      return ways.reduce(function (sum, [p, next, r]) {
        return sum + p * (r + gamma.value * values[next]);
      }, 0);
    });
  }

  // The new value of a state; `chosen` holds an action for each state, or is null for random moves.
  function backup(values, s, kind, chosen) {
    const found = q(values, s);
    if (kind === "best") return Math.max(...found);
    if (kind === "policy" && chosen) return found[chosen[s]];
    return found.reduce(function (a, b) { return a + b; }) / 4;
  }

  function greedy(values, s) {
    const found = q(values, s);
    const top = Math.max(...found) - TIE;
    return [0, 1, 2, 3].filter(function (a) { return found[a] >= top; });
  }

  // Greedy actions; one that is as good as any other is kept.
  function improved(values, chosen) {
    const next = [];
    states.forEach(function (s) {
      const good = greedy(values, s);
      next[s] = chosen && good.includes(chosen[s]) ? chosen[s] : good[0];
    });
    return next;
  }

  function same(one, other) {
    return Boolean(one) && states.every(function (s) { return one[s] === other[s]; });
  }

  // Where the sweeps lead, or null if there is no limit.
  function fixedPoint(kind, chosen) {
    const values = cells.map(function () { return 0; });
    let most = 1;
    for (let k = 0; k < 4000 && most > 0; k += 1) {
      let top = 0;
      most = 0;
      states.forEach(function (s) {
        const value = backup(values, s, kind, chosen);
        most = Math.max(most, Math.abs(value - values[s]));
        top = Math.max(top, Math.abs(value));
        values[s] = value;
      });
      if (most < 1e-15 * top) break; // as far as rounding lets it come
    }
    return most < 1e-9 ? values : null;
  }

  // --- What the reader does ---

  function changedWorld() {
    tabulate();
    cells.forEach(function (_, s) { if (!model[s]) V[s] = 0; });
    old = V.slice();
    policy = null;
    sweeps = moved = cursor = 0;
    change = shown = null;
    const top = fixedPoint("best");
    best = top && cells.map(function (_, s) { return model[s] && greedy(top, s); });
    limit = method.value === "best" ? top : fixedPoint(method.value, policy);
    if (always.value) toTheEnd();
  }

  function startOver() {
    V = cells.map(function () { return 0; });
    changedWorld();
  }

  function edit(s) {
    const cell = cells[s];
    if (tool.value === "backup") {
      if (model[s]) backUp(s, V);
      return;
    }
    const now = tool.value === "reward" ? "floor" : tool.value;
    const again = cell.kind === now && (now === "wall" || cell.reward === reward.value);
    const before = first[s].kind === "jump" ? first[s] : { kind: "floor", reward: 0 };
    cells[s] = again ? before
      : { kind: now, reward: now === "wall" ? 0 : reward.value };
    changedWorld();
  }

  function backUp(s, values) {
    shown = { s: s, q: q(values, s) };
    const value = backup(values, s, method.value, policy);
    moved = Math.max(moved, Math.abs(value - V[s]));
    V[s] = value;
  }

  // The next state of the sweep: from the old values, or in place from the present ones.
  function oneState() {
    if (!states.length) return;
    if (cursor === 0) {
      old = V.slice();
      moved = 0;
    }
    backUp(states[cursor], inPlace.value ? V : old);
    cursor = (cursor + 1) % states.length;
    if (cursor === 0) {
      sweeps += 1;
      change = moved;
    }
  }

  function oneSweep() {
    do oneState(); while (cursor !== 0);
    shown = null;
  }

  function improve() {
    const next = improved(V, policy);
    const stable = same(policy, next);
    policy = next;
    if (!stable) {
      change = null;
      limit = fixedPoint(method.value, policy);
    }
    return stable;
  }

  // Policy iteration improves once the values move little, the others sweep only.
  function next() {
    const calm = change !== null && cursor === 0 && change <= 0.01;
    if (method.value !== "policy" || !calm || improve()) oneSweep();
  }

  function finished() {
    if (change === null || change > STILL) return false;
    return method.value !== "policy" || same(policy, improved(V, policy));
  }

  function toTheEnd() {
    const most = limit ? 4000 : 100;
    for (let k = 0; k < most && !finished(); k += 1) next();
  }

  const place = stage.select("World", data.worlds.map(function (w) { return w.name; }), { change: load });
  const method = stage.select("Method", METHODS, { change: startOver });
  const inPlace = stage.toggle("in place", false, { change: startOver });
  stage.row();
  stage.player({
    step: next, done: finished, reset: startOver, interval: 160, text: "One sweep",
  });
  stage.button("One state", oneState);
  const better = stage.button("Improve", improve);
  stage.button("To the end", toTheEnd);
  stage.row();
  const gamma = stage.slider("γ", { min: 0, max: 1, step: 0.01, change: changedWorld });
  const slip = stage.slider("slip", { min: 0, max: 0.8, step: 0.05, change: changedWorld });
  stage.row();
  const tool = stage.select("A click", TOOLS);
  const reward = stage.slider("reward", { min: -10, max: 10, step: 0.5, value: 1 });
  const always = stage.toggle("solve after every change", false, {
    change: function (on) { if (on) toTheEnd(); },
  });
  const words = stage.readout();
  stage.note("Walk through the cells with the arrow keys; Enter does what a click does. A slip turns "
    + "the move to one of the two sides. The reward of a cell or of an end is paid on entering it.");

  // --- What is seen ---

  function span() {
    const from = (limit || V).filter(function (_, s) { return model[s]; }).concat(0);
    return [Math.min(...from), Math.max(...from)];
  }

  function signed(value) {
    return (value > 0 ? "+" : "") + String(value).replace("-", "\u2212");
  }

  function noteOf(s) {
    let letter = 64;
    const letters = cells.map(function (cell, i) {
      if (first[i].kind === "jump") letter += 1;
      if (cell.kind !== "jump") return "";
      if (i === s) return `${String.fromCharCode(letter)} ${signed(cell.jump[1])}`;
      return cell.jump[0] === s ? `${String.fromCharCode(letter)}′` : "";
    });
    return letters.join("") || (cells[s].reward ? signed(cells[s].reward) : "");
  }

  function sentence() {
    if (shown) {
      const spelled = shown.q.map(function (v, a) { return `${MOVES[a][0]} ${number(v, 2)}`; });
      return `Backup of ${nameOf(shown.s)}: ${spelled.join(", ")}; `
        + `the new value is ${number(V[shown.s], 2)}.`;
    }
    if (change === null) return `${sweeps} sweeps. Nothing is known yet about the error.`;
    let text = `${sweeps} ${sweeps === 1 ? "sweep" : "sweeps"}. Largest change ${compact(change)}, `;
    text += gamma.value < 1
      ? `so the error is at most ${compact((gamma.value / (1 - gamma.value)) * change)}`
      : "which without discount bounds nothing";
    text += limit
      ? `; ${gamma.value < 1 ? "it" : "the error"} is ${compact(error())}.`
      : ". There is no limit: without an end and without discount the values move for ever.";
    if (best) text += ` ${right()}`;
    return text;
  }

  function error() {
    return Math.max(0, ...states.map(function (s) { return Math.abs(V[s] - limit[s]); }));
  }

  function right() {
    const exact = method.value === "best";
    const count = states.filter(function (s) {
      const [shownMoves, bestMoves] = [moves(s), best[s]];
      return exact ? shownMoves.join() === bestMoves.join()
        : shownMoves.every(function (a) { return bestMoves.includes(a); });
    }).length;
    return `${exact ? "Exactly the" : "Only"} best moves are shown in ${count} of `
      + `${states.length} cells.`;
  }

  // The moves that a cell shows: greedy ones, or in policy iteration the policy's.
  function moves(s) {
    if (!model[s]) return [];
    if (method.value !== "policy") return greedy(V, s);
    return policy ? [policy[s]] : [0, 1, 2, 3];
  }

  function nameOf(s) {
    const columns = data.worlds[place.index].columns;
    return `row ${Math.floor(s / columns) + 1}, column ${(s % columns) + 1}`;
  }

  stage.update(function () {
    const columns = data.worlds[place.index].columns;
    const [low, high] = span();
    const digits = Math.max(Math.abs(low), Math.abs(high)) < 2 ? 3 : 1;
    better.hidden = method.value !== "policy";
    cells.forEach(function (cell, s) {
      const at = [Math.floor(s / columns), s % columns];
      if (cell.kind === "wall") {
        board.set(...at, { wall: true, label: `${nameOf(s)}: wall`, value: "" });
        return;
      }
      const colour = shade(high === low ? 0.5 : (V[s] - low) / (high - low));
      const ways = moves(s);
      const text = number(V[s], digits);
      board.set(...at, {
        text: text, ground: colour.ground, ink: colour.ink, note: noteOf(s), value: V[s],
        mark: cell.kind === "end" ? "end" : ways.map(function (a) { return MOVES[a][3]; }).join(""),
        ring: Boolean(shown) && shown.s === s,
        label: `${nameOf(s)}${cell.kind === "end" ? ", end" : ""}: value ${text}, ${noteOf(s)} `
          + ways.map(function (a) { return MOVES[a][0]; }).join(" or "),
      });
    });
    words.set(sentence());
  });
  load();
});
