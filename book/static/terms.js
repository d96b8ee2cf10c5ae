// Shows the definition of a term beside a link to the glossary, on hover and on keyboard focus.
// Escape closes it, and the pointer may move onto it. Without this script the link still works.
"use strict";

(function () {
  const SHOW_MS = 150;
  const HIDE_MS = 250;
  const links = Array.from(document.querySelectorAll("article a .std-term"), function (inner) {
    return inner.closest("a");
  });
  if (links.length === 0) return;

  const tip = document.createElement("div");
  tip.className = "term-tip";
  tip.id = "term-tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  document.body.append(tip);

  let owner = null; // the link whose definition is shown or about to be
  let timer = null;
  let data = null; // promise of the definitions, loaded once

  function definitions() {
    data = data || new Promise(function (resolve, reject) {
      const script = document.createElement("script");
      script.src = document.documentElement.dataset.content_root + "_static/terms-data.js";
      script.addEventListener("load", function () { resolve(window.bookTerms); });
      script.addEventListener("error", reject);
      document.head.append(script);
    });
    return data;
  }

  function hide() {
    window.clearTimeout(timer);
    if (owner) owner.removeAttribute("aria-describedby");
    owner = null;
    tip.hidden = true;
  }

  function place(link) {
    const line = link.getClientRects()[0];
    const box = tip.getBoundingClientRect();
    const right = document.documentElement.clientWidth - box.width - 8;
    const below = line.bottom + 6;
    const fits = below + box.height < window.innerHeight || line.top < box.height + 6;
    tip.style.left = Math.max(8, Math.min(line.left, right)) + "px";
    tip.style.top = (fits ? below : line.top - box.height - 6) + "px";
  }

  async function show(link) {
    hide();
    owner = link;
    const found = (await definitions())[decodeURIComponent(link.hash.slice(1))];
    if (owner !== link || !found) return;
    tip.innerHTML = found;
    tip.style.visibility = "hidden";
    tip.hidden = false;
    if (window.MathJax && window.MathJax.typesetPromise) await window.MathJax.typesetPromise([tip]);
    if (owner !== link) return;
    place(link);
    tip.style.visibility = "";
    link.setAttribute("aria-describedby", tip.id);
  }

  function later(action, wait) {
    window.clearTimeout(timer);
    timer = window.setTimeout(action, wait);
  }

  function leave(event) {
    if (event.pointerType !== "touch" && document.activeElement !== owner) later(hide, HIDE_MS);
  }

  links.forEach(function (link) {
    link.addEventListener("pointerenter", function (event) {
      if (event.pointerType === "touch") return; // a tap follows the link
      if (link === owner) window.clearTimeout(timer);
      else later(function () { show(link); }, SHOW_MS);
    });
    link.addEventListener("pointerleave", leave);
    link.addEventListener("focus", function () {
      if (link.matches(":focus-visible")) show(link);
    });
    link.addEventListener("blur", hide);
  });
  tip.addEventListener("pointerenter", function () { window.clearTimeout(timer); });
  tip.addEventListener("pointerleave", leave);
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") hide();
  });
  window.addEventListener("scroll", function () { if (!tip.hidden) place(owner); }, true);
  window.addEventListener("resize", hide);
})();
