"""Finds in a page what is cut off, must be scrolled, or runs over something else."""

from __future__ import annotations

from collections import Counter

from playwright.sync_api import Page

UNFOLD = """() => {
  document.querySelectorAll('article details').forEach(d => { d.open = true; });
  document.querySelectorAll('.toggle-hidden').forEach(d => d.classList.remove('toggle-hidden'));
}"""

SETTLED = """() => new Promise(done => {
  let before = "";
  (function look() {
    const now = [document.body.scrollHeight, document.querySelectorAll('.scrolls').length].join();
    if (now === before) { done(); } else { before = now; setTimeout(look, 250); }
  })();
})"""
"""book.js marks what scrolls 150 ms after a page changed its size."""

# An element that is wider inside than outside scrolls or is cut; one that leaves its nearest box
# that could scroll, or the page, is cut too. The inside of formulas and drawings is not looked at:
# a formula is one thing whose accents may stick out, and a drawing has a size of its own.
LOOK = """() => {
  const article = document.querySelector('article') ?? document.querySelector('main');
  const found = [];
  const kind = e =>
    e.closest('.math, mjx-container') ? 'equation'
    : e.closest('.cell_output') ? 'output'
    : e.closest('.highlight, pre') ? 'code'
    : e.closest('table, .wide-table, .pst-scrollable-table-container') ? 'table' : 'text';
  const say = (e, how) =>
    found.push([`${kind(e)} ${how}`, e.textContent.trim().replace(/\\s+/g, ' ').slice(0, 60)]);
  const column = article.getBoundingClientRect();
  const edge = Math.min(innerWidth, column.right);
  const look = (e, right) => {
    const style = getComputedStyle(e);
    const box = e.getBoundingClientRect();
    if (style.display === 'none' || style.visibility === 'hidden' || box.width <= 1) return;
    if (e.matches('.visually-hidden, .headerlink, [hidden], .copybtn')) return;
    if (box.right > right + 1 || box.left < column.left - 1) {
      say(e, 'cut off');
      return;
    }
    let room = right;
    const wider = e.scrollWidth > e.clientWidth + 1 && !e.matches('span.math');
    if (wider && style.overflowX !== 'visible') {
      const scrolls = ['auto', 'scroll'].includes(style.overflowX);
      say(e, scrolls ? 'to scroll' : 'cut off');
      if (!scrolls) return;
      room = Infinity;
    }
    if (e.matches('mjx-container, svg')) {
      const formula = e.querySelector('mjx-math');
      if (formula && formula.getBoundingClientRect().right > room + 1) say(e, 'cut off');
      return;
    }
    for (const child of e.children) look(child, room);
  };
  for (const child of article.children) look(child, edge);
  for (const number of article.querySelectorAll('.math > .eqno')) {
    const a = number.getBoundingClientRect();
    const formula = number.parentElement.querySelector('mjx-math');
    if (!formula || a.width === 0) continue;
    const [b, frame] = [formula, formula.parentElement].map(e => e.getBoundingClientRect());
    const right = Math.min(b.right, frame.right);
    if (right > a.left + 1 && b.left < a.right && b.bottom > a.top && b.top < a.bottom) {
      say(number.parentElement, 'under its number');
    }
  }
  return found;
}"""


def cuts(page: Page, width: int) -> list[tuple[str, str]]:
    """What is cut off or must be scrolled at a width, all unfolded: kind, and how it begins."""
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(UNFOLD)
    page.evaluate(SETTLED)
    return [(kind, text) for kind, text in page.evaluate(LOOK)]


def counted(found: list[tuple[str, str]], *, scrolling: bool) -> dict[str, float]:
    """How many of each kind; what only scrolls counts where it must not."""
    kinds = (kind for kind, _ in found if scrolling or not kind.endswith("to scroll"))
    return dict(Counter(kinds))
