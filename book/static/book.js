// Formulas and tables that are wider than the column scroll by themselves, also by keyboard.
"use strict";

(function () {
  function mark(element, wide) {
    element.classList.toggle("scrolls", wide);
    if (wide) {
      element.tabIndex = 0;
    } else {
      element.removeAttribute("tabindex");
    }
  }

  function update() {
    document.querySelectorAll("article mjx-container").forEach(function (formula) {
      formula.classList.remove("scrolls");
      const inner = formula.querySelector("mjx-math");
      const block = formula.closest("p, li, dd, td, div");
      const room = (formula.closest("div.math") || block).clientWidth;
      if (inner !== null && room > 0) mark(formula, inner.getBoundingClientRect().width > room);
    });
    document.querySelectorAll("article .wide-table").forEach(function (table) {
      mark(table, table.scrollWidth > table.clientWidth);
    });
  }

  let waiting = null;
  function later() {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(update, 150);
  }

  window.addEventListener("load", function () {
    const ready = window.MathJax && window.MathJax.startup && window.MathJax.startup.promise;
    Promise.resolve(ready).then(update);
    window.addEventListener("resize", later);
    document.addEventListener("toggle", later, true); // an opened <details>
    document.addEventListener("click", later); // a solution that was folded away
  });
})();
