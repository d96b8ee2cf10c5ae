// Steps through the grids that book/kit/heatgrid.py put on the page. Without this script the page
// keeps the still grids. All controls are native, so the keyboard works as everywhere.
"use strict";

(function () {
  const FRAME_MS = 450;

  function button(label, name, action) {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = label;
    element.setAttribute("aria-label", name);
    element.addEventListener("click", action);
    return element;
  }

  function start(figure) {
    const data = JSON.parse(figure.querySelector("script").textContent);
    const stage = figure.querySelector(".gridplayer-stage");
    const caption = stage.querySelector("caption");
    const cells = stage.querySelectorAll("td");
    const last = data.titles.length - 1;
    let frame = 0;
    let timer = null;

    const slider = document.createElement("input");
    slider.type = "range";
    slider.min = "0";
    slider.max = String(last);
    slider.setAttribute("aria-label", figure.getAttribute("aria-label"));

    function show(next) {
      frame = Math.min(last, Math.max(0, next));
      caption.textContent = data.titles[frame];
      data.cells[frame].forEach(function (cell, i) {
        if (!cell[0]) return;
        cells[i].style.backgroundColor = cell[2];
        cells[i].style.color = cell[3];
        cells[i].querySelector("b").textContent = cell[0];
        const mark = cells[i].querySelector("i");
        if (mark) mark.textContent = cell[1];
      });
      slider.value = String(frame);
      slider.setAttribute("aria-valuetext", data.titles[frame]);
      first.disabled = back.disabled = frame === 0;
      forward.disabled = end.disabled = frame === last;
    }

    function stop() {
      window.clearInterval(timer);
      timer = null;
      play.textContent = "Play";
    }

    function move(next) {
      stop();
      show(next);
    }

    function toggle() {
      if (timer !== null) {
        stop();
        return;
      }
      if (frame === last) show(0);
      play.textContent = "Pause";
      timer = window.setInterval(function () {
        show(frame + 1);
        if (frame === last) stop();
      }, FRAME_MS);
    }

    const first = button("«", "First", function () { move(0); });
    const back = button("‹", "One back", function () { move(frame - 1); });
    const play = button("Play", "", toggle);
    play.removeAttribute("aria-label");
    const forward = button("›", "One forward", function () { move(frame + 1); });
    const end = button("»", "Last", function () { move(last); });
    slider.addEventListener("input", function () { move(Number(slider.value)); });

    const controls = document.createElement("div");
    controls.className = "gridplayer-controls";
    controls.append(first, back, play, forward, end, slider);
    stage.append(controls);
    figure.querySelector(".gridplayer-still").hidden = true;
    stage.hidden = false;
    show(0);
  }

  document.querySelectorAll(".gridplayer").forEach(start);
})();
