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
    document.querySelectorAll("article mjx-container:not([display])").forEach(function (formula) {
      formula.classList.remove("scrolls");
      const room = formula.closest("p, li, dd, td, div").clientWidth;
      mark(formula, room > 0 && formula.getBoundingClientRect().width > room);
    });
    const blocks = "article mjx-container[display], article .wide-table";
    document.querySelectorAll(blocks).forEach(function (block) {
      mark(block, block.scrollWidth > block.clientWidth);
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
