// One click on an option of a check question opens all of them and says whether it was right.
"use strict";

(function () {
  function answer(question, chosen) {
    const several = question.querySelectorAll(".check-right").length > 1;
    const right = chosen.classList.contains("check-right");
    const marked = several ? "the right options are marked" : "the right option is marked";
    question.classList.add("answered");
    chosen.classList.add("chosen");
    question.querySelectorAll("details.check-option").forEach(function (option) {
      option.open = true;
    });
    question.querySelector(".check-verdict").textContent = right
      ? several ? "Right, and " + marked + "." : "Right."
      : "Not right; " + marked + ".";
  }

  document.querySelectorAll(".check-question").forEach(function (question) {
    question.addEventListener("click", function (event) {
      const summary = event.target.closest("summary");
      const option = summary && summary.closest("details.check-option");
      if (!option || !question.contains(option) || question.classList.contains("answered")) {
        return; // once answered, an option folds and unfolds like any other
      }
      event.preventDefault(); // the element would fold what is opened here
      answer(question, option);
    });
  });
})();
