"""The kit of explorables: what figure.js and its parts make of a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from .explorable import markup, opened, readout, slider, write_page

SCRIPT = """\
figure("trial", function (stage, data) {
  const plot = stage.plot({
    x: [0, 10], y: [-1, 1], xLabel: "time (s)", yLabel: "height", label: "a wave",
  });
  const line = plot.line({ colour: figure.BLUE, name: "wave" });
  plot.bars({ colour: figure.GREEN, width: 0.5, name: "bars" }).set(data.bars);
  plot.dots({ colour: figure.RED, name: "dots" }).set([[1, 0.5], [2, -0.5]]);
  const point = plot.handle({ x: 5, y: 0, step: 0.1, label: "Point" });
  const board = stage.grid({
    rows: 2, columns: 3, label: "cells",
    pick: function (row, column) { picked.push(`${row}${column}`); },
  });
  const picked = [];
  let steps = 0;
  const speed = stage.slider("speed", { min: -2, max: 2, step: 0.5, value: 1, unit: "m/s" });
  const size = stage.slider("size", { values: [1, 10, 100], value: 10 });
  const kind = stage.select("Kind", [["sin", "sine"], ["cos", "cosine"]]);
  const twice = stage.toggle("twice", false);
  stage.row();
  stage.player({
    step: function () { steps += 1; }, done: function () { return steps === 3; },
    reset: function () { steps = 0; }, interval: 20,
  });
  stage.button("Break", function () { throw new Error("broken on purpose"); });
  const words = stage.readout();
  stage.note("A trial.");
  stage.update(function () {
    line.set(figure.range(0, 10, 50).map(function (t) {
      return [t, Math[kind.value](speed.value * t)];
    }));
    for (let i = 0; i < 6; i += 1) {
      const { ground, ink } = figure.shade(i / 5);
      board.set(Math.floor(i / 3), i % 3, { text: String(i), ground, ink, label: `cell ${i}` });
    }
    words.set([
      speed.value, size.value, kind.value, twice.value, steps, picked.join(" "),
      figure.number(point.x, 1), figure.number(point.y, 1),
    ].join("; "));
  });
});
"""
MINUS = "\N{MINUS SIGN}"
STILL = '<p class="still">The still.</p>'


@pytest.fixture
def show(
    tmp_path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Page]]:
    """Opens a page with an explorable; at the end there must have been no exception on it."""
    with ExitStack() as stack:
        pages: list[Page] = []

        def open_page(
            script: str = SCRIPT, *, width: int = 1280, scheme: str = "light", **options: Any
        ) -> Page:
            body = markup(
                monkeypatch, "trial", data={"bars": [[4, 0.7]]}, label="A trial", still=STILL
            )
            address = write_page(tmp_path, body, script, scheme)
            pages.append(stack.enter_context(opened(browser, address, width, **options)))
            return pages[-1]

        yield open_page
        assert [page.troubles for page in pages if page.troubles] == []  # type: ignore[attr-defined]


def test_controls_are_moved_by_keyboard_and_say_their_values(show: Callable[..., Page]) -> None:
    page = show()
    assert not page.locator(".still").is_visible()
    assert readout(page) == "1; 10; sin; false; 0; ; 5.0; 0.0"
    speed = slider(page, "speed")
    speed.focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    assert speed.get_attribute("aria-valuetext") == f"{MINUS}1.0\u00a0m/s"
    assert page.locator("output").first.inner_text() == f"{MINUS}1.0\u00a0m/s"
    size = slider(page, "size")
    size.focus()
    page.keyboard.press("End")
    assert size.get_attribute("aria-valuetext") == "100"
    page.get_by_role("combobox", name="Kind").select_option("cosine")
    page.get_by_role("checkbox", name="twice").focus()
    page.keyboard.press("Space")
    assert readout(page).startswith("-1; 100; cos; true;")


def test_point_moves_by_arrow_keys_and_by_dragging_and_stays_inside(
    show: Callable[..., Page],
) -> None:
    page = show()
    point = slider(page, "Point")
    point.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    assert readout(page).endswith("; 5.1; 1.0")
    assert point.get_attribute("aria-valuetext") == "5.1, 1.0"
    page.keyboard.press("ArrowUp")
    assert readout(page).endswith("; 5.1; 1.0")
    box = point.locator("circle").last.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y + 90, steps=4)
    x_now, y_now = (float(part) for part in readout(page).replace(MINUS, "-").split("; ")[-2:])
    assert x_now > 5.5
    assert y_now < 0.5
    page.mouse.move(5, 5)
    assert readout(page).endswith("; 0.0; 1.0")
    page.mouse.up()
    page.mouse.move(600, 300)
    assert readout(page).endswith("; 0.0; 1.0")


def test_cells_are_walked_with_arrow_keys_and_picked(show: Callable[..., Page]) -> None:
    page = show()
    cells = page.get_by_role("gridcell")
    assert cells.evaluate_all("e => e.map(c => c.tabIndex)") == [0, -1, -1, -1, -1, -1]
    cells.first.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "Enter", "ArrowDown", "Space"):
        page.keyboard.press(key)
    cells.nth(3).click()
    assert readout(page).split("; ")[5] == "02 12 10"
    assert cells.evaluate_all("e => e.map(c => c.tabIndex)").index(0) == 3
    assert cells.nth(3).get_attribute("aria-label") == "cell 3"


def test_player_plays_to_the_end_steps_and_starts_over(show: Callable[..., Page]) -> None:
    page = show()
    play = page.get_by_role("button", name="Play")
    play.click()
    page.wait_for_function(
        "document.querySelector('.interactive-readout').textContent.includes('; 3; ')"
    )
    assert play.inner_text() == "Play"
    page.get_by_role("button", name="Start over").click()
    page.get_by_role("button", name="Step").click()
    assert readout(page).split("; ")[4] == "1"


def test_a_screen_reader_hears_the_words_once_they_rest(show: Callable[..., Page]) -> None:
    page = show()
    heard = page.locator("[aria-live=polite]")
    assert heard.inner_text() == ""
    slider(page, "speed").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert heard.inner_text() == ""
    page.wait_for_function("document.querySelector('[aria-live]').textContent !== ''")
    assert heard.inner_text() == readout(page).strip()


def letters(page: Page) -> list[float]:
    """Heights of the letters on all plots, in pixels."""
    sizes: list[float] = page.locator(".interactive-plot > svg").evaluate_all(
        """svgs => svgs.flatMap(e => [...e.querySelectorAll('text')].map(t =>
        parseFloat(getComputedStyle(t).fontSize)
        * e.getBoundingClientRect().width / e.viewBox.baseVal.width))"""
    )
    return sizes


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_can_be_read_and_is_accessible(
    show: Callable[..., Page], width: int, scheme: str
) -> None:
    page = show(width=width, scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sizes = letters(page)
    assert len(sizes) > 8
    assert min(sizes) >= 11
    found = Axe().run(page).response["violations"]
    assert [v["id"] for v in found if v["impact"] in {"serious", "critical"}] == []


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_data_colours_stand_out_from_the_page(show: Callable[..., Page], scheme: str) -> None:
    page = show(scheme=scheme)
    colours = page.evaluate(
        """() => ['BLUE', 'ORANGE', 'GREEN', 'PURPLE', 'RED', 'GREY'].map(name => {
          document.body.style.color = figure[name];
          return getComputedStyle(document.body).color;
        })"""
    )
    ground = luminance(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    for colour in colours:
        low, high = sorted((ground, luminance(colour)))
        assert (high + 0.05) / (low + 0.05) >= 3, colour


def test_the_still_stands_in_without_scripts(show: Callable[..., Page]) -> None:
    page = show(java_script_enabled=False)
    assert page.locator(".still").is_visible()
    assert not page.locator(".interactive-stage").is_visible()


@pytest.mark.parametrize(
    "script",
    [
        "figure('trial', function () { throw new Error('broken on purpose'); });",
        "figure('trial', function (stage) { stage.slider('s', { min: 0, max: 1 });"
        " stage.update(function () { throw new Error('broken on purpose'); }); });",
    ],
)
def test_the_still_stands_in_for_a_script_that_fails(
    show: Callable[..., Page], script: str
) -> None:
    page = show(script)
    assert page.locator(".still").is_visible()
    assert page.get_by_role("slider").count() == 0 or not page.get_by_role("slider").is_visible()
    assert "broken on purpose" in page.troubles.pop()  # type: ignore[attr-defined]


def test_the_still_comes_back_when_a_control_fails(show: Callable[..., Page]) -> None:
    page = show()
    page.get_by_role("button", name="Break").click()
    assert page.locator(".still").is_visible()
    assert not slider(page, "speed").is_visible()
    assert "broken on purpose" in page.troubles.pop()  # type: ignore[attr-defined]


def test_another_script_leaves_the_still(show: Callable[..., Page]) -> None:
    assert show("figure('other', function () {});").locator(".still").is_visible()


def test_helpers_of_scripts(show: Callable[..., Page]) -> None:
    page = show()
    texts = page.evaluate(
        """() => [figure.number(-0.001), figure.number(-3.14159, 3), figure.number(-Infinity),
        figure.compact(0.00032, 2), figure.compact(-1234567), figure.compact(7.29),
        figure.compact(0)]"""
    )
    numbers = ["0.00", "-3.142", "-∞", "3.2·10⁻⁴", "-1.23·10⁶", "7.29", "0"]
    assert texts == [number.replace("-", MINUS) for number in numbers]
    draws = """seed => { const r = figure.random(seed);
      return Array.from({ length: 4000 }, () => r.normal()); }"""
    first = page.evaluate(draws, 1)
    assert page.evaluate(draws, 1) == first
    assert page.evaluate(draws, 2) != first
    assert abs(np.mean(first)) < 4 / np.sqrt(4000)
    assert abs(np.std(first) - 1) < 4 / np.sqrt(8000)
    shuffled = page.evaluate("figure.random(3).shuffled([0, 1, 2, 3, 4, 5, 6, 7])")
    assert sorted(shuffled) == list(range(8))
    assert shuffled != list(range(8))


def test_regions_and_plots_of_one_scale(show: Callable[..., Page]) -> None:
    page = show(
        """figure('trial', function (stage) {
          const plot = stage.plot({ x: [0, 4], y: [0, 2], equal: true });
          plot.region({ colour: figure.BLUE, name: 'box' }).set([[1, 0], [2, 0], [2, 1], [1, 1]]);
          stage.slider('s', { min: 0, max: 1 });
        });"""
    )
    box = page.locator(".interactive-plot > svg > g path[fill-opacity]").bounding_box()
    assert box is not None
    assert box["width"] == pytest.approx(box["height"], abs=1)
    assert page.locator(".interactive-legend li").inner_text() == "box"


GRAPH = """\
figure("trial", function (stage) {
  let chosen = "none";
  const graph = stage.graph({
    nodes: { "A": [0, 0], "B": [1.5, 0], "C": [3, 0.5] }, label: "three states",
    edges: [["A", "B"], ["B", "A"], ["B", "C"], ["C", "C"]],
    pick: function (name) { chosen = name; },
  });
  const words = stage.readout();
  stage.update(function () {
    const { ground, ink } = figure.shade(0.9);
    graph.set({
      nodes: { A: { text: "A", note: "0.5", ground, ink }, B: { faded: true, label: "B, pruned" } },
      edges: { "A>B": { label: "0.5" }, "B>A": { label: "0.2" }, "C>C": { label: "1" } },
    });
    words.set(chosen);
  });
});
"""


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_nodes_of_a_graph_are_picked_and_its_words_stay_apart(
    show: Callable[..., Page], width: int, scheme: str
) -> None:
    page = show(GRAPH, width=width, scheme=scheme)
    page.get_by_role("button", name="A 0.5").focus()
    page.keyboard.press("Enter")
    assert readout(page) == "A"
    page.get_by_role("button", name="B, pruned").click()
    assert readout(page) == "B"
    boxes = page.locator(".interactive-plot text:not(:empty)").evaluate_all(
        "e => e.map(t => t.getBoundingClientRect()).map(b => [b.left, b.top, b.right, b.bottom])"
    )
    frame = page.locator(".interactive-plot > svg").bounding_box()
    assert frame is not None
    assert len(boxes) == 7
    for i, one in enumerate(boxes):
        assert frame["x"] <= one[0] <= one[2] <= frame["x"] + frame["width"]
        assert frame["y"] <= one[1] <= one[3] <= frame["y"] + frame["height"]
        for other in boxes[:i]:
            across = min(one[2], other[2]) - max(one[0], other[0])
            along = min(one[3], other[3]) - max(one[1], other[1])
            assert across < 1 or along < 5
    found = Axe().run(page).response["violations"]
    assert [v["id"] for v in found if v["impact"] in {"serious", "critical"}] == []


def test_a_finger_drags_a_point_and_does_not_scroll(show: Callable[..., Page]) -> None:
    page = show(width=390, has_touch=True, is_mobile=True)
    box = slider(page, "Point").locator("circle").last.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = page.context.new_cdp_session(page)
    for kind, step in [
        ("touchStart", 0),
        *[("touchMove", i) for i in range(1, 9)],
        ("touchEnd", 0),
    ]:
        points = [{"x": x + 5 * step, "y": y + 8 * step}] if kind != "touchEnd" else []
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    moved = [float(part) for part in readout(page).replace(MINUS, "-").split("; ")[-2:]]
    assert moved[0] > 6
    assert moved[1] < -0.6
    assert page.evaluate("window.scrollY") == 0


LAYERS = """\
figure("trial", function (stage) {
  const plot = stage.plot({
    x: [1, 1000], y: [-2, 2], xLog: true, yTicks: [-2, 0, 2], label: "layers",
  });
  const heat = plot.heat();
  const layers = {
    line: plot.line({ colour: figure.BLUE, dash: "4 2" }),
    area: plot.area({ colour: figure.GREEN }),
    arrows: plot.arrows({ colour: figure.RED }), texts: plot.texts({ size: 12 }),
    rule: plot.rule({ colour: figure.GREY, along: "y" }),
  };
  const bar = stage.plot({ x: [0, 3], y: [0, 1] });
  const bars = bar.bars({ colour: figure.BLUE, width: 0.8 });
  const height = bar.handle({ x: 1, y: 0.5, fixed: "x", step: 0.1, label: "Bar" });
  const whole = bar.handle({
    x: 2, y: 0, step: 1, label: "Whole", shape: "cross", anywhere: true,
    moved: function (x) { return [x, 0.25]; },
  });
  const picture = stage.picture({ rows: 2, columns: 2, label: "ink" });
  const more = stage.slider("more", { min: 1, max: 3 });
  const words = stage.readout();
  stage.update(function () {
    plot.limits({ y: [-2 * more.value, 2 * more.value] });
    heat.set([[figure.tint(-1), figure.tint(0)], [figure.tint(0.5), figure.tint(1)]]);
    layers.line.set([[1, 0], [10, 1], [NaN, 0], [100, -1], [1000, 1]]);
    layers.area.set([[1, 1], [10, 2], [100, 1]]);
    layers.arrows.set(Array(more.value).fill([10, 0, 90, 1]));
    layers.texts.set([[10, 1, "ten"]]);
    layers.rule.set(1);
    bars.set([[1, height.y], [2, whole.y]]);
    picture.set([0, 0.5, 1, more.value / 3], `ink ${more.value}`);
    words.set(`${figure.number(height.y, 1)} ${whole.x}`);
  });
});
"""


def test_layers_follow_their_plot(show: Callable[..., Page]) -> None:
    page = show(LAYERS)
    assert min(letters(page)) >= 11
    plot, bars = page.locator(".interactive-plot > svg").all()
    ticks = plot.locator(".interactive-axes text").all_text_contents()
    assert ticks == ["1", "10", "100", "1000", f"{MINUS}2", "0", "2"]
    line = plot.locator("path[stroke-dasharray='4 2']")
    assert (line.get_attribute("d") or "").count("M") == 2
    before = [plot.locator("g > text").nth(7).get_attribute("y"), line.get_attribute("d")]
    slider(page, "more").fill("2")
    assert before[0] != plot.locator("g > text").nth(7).get_attribute("y")
    assert before[1] != line.get_attribute("d")
    assert plot.locator("rect[style*='fill']").count() == 4
    assert plot.locator(f"g[stroke='{page.evaluate('figure.RED')}'] path").count() == 2
    assert page.get_by_role("img", name="ink 2").locator("rect").last.get_attribute(
        "fill-opacity"
    ) == str(round(2 / 3, 3))
    slider(page, "Bar").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert readout(page) == "0.4 2"
    assert slider(page, "Bar").get_attribute("aria-valuetext") == "0.4"
    box = bars.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.4 * box["width"], box["y"] + 0.15 * box["height"])
    assert readout(page) == "0.4 1"
    assert slider(page, "Whole").get_attribute("aria-valuetext") == "1, 0"
    slider(page, "Whole").focus()
    page.keyboard.press("ArrowRight")
    bar = slider(page, "Bar").locator("circle").last.bounding_box()
    assert bar is not None
    page.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    assert readout(page) == "0.4 2", "a press on a point is not one on the plot"
