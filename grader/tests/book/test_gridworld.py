"""The explorable on dynamic programming computes what the chapter's own code computes."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import chapters
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from .conftest import ROOT
from .explorable import markup, opened, readout, slider, write_page

CHAPTER = ROOT / "book" / "rl" / "dynamic-programming"
STILL = "<p>The still.</p>"
SLIP = 0.2
GAMMA = "\N{GREEK SMALL LETTER GAMMA}"


@pytest.fixture(scope="module")
def chapter() -> dict[str, Any]:
    """The functions of the chapter's cells, and the worlds that it gives to the page."""
    cells = [
        cell.source
        for cell in chapters.read(CHAPTER / "index.md").cells
        if cell.cell_type == "code"
    ]
    kept = [
        node
        for source in cells
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
        or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in {"MOVES", "worlds"})
    ]
    found: dict[str, Any] = {"np": np}
    exec(compile(ast.Module(kept, []), str(CHAPTER), "exec"), found)
    return found


@pytest.fixture
def world(
    chapter: dict[str, Any], tmp_path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Page]:
    """The explorable on a page of its own."""
    data = {"worlds": chapter["worlds"]}
    body = markup(monkeypatch, "gridworld", data=data, label="A world", still=STILL)
    script = (CHAPTER / "figure.js").read_text(encoding="utf-8")
    with opened(browser, write_page(tmp_path, body, script)) as page:
        yield page
        assert page.troubles == []  # type: ignore[attr-defined]


def values(page: Page) -> NDArray[np.float64]:
    """The value of each cell, row by row; a wall is NaN."""
    texts = page.get_by_role("gridcell").evaluate_all("cells => cells.map(c => c.dataset.value)")
    return np.array([float(text) if text else np.nan for text in texts])


def press(page: Page, name: str, times: int = 1) -> None:
    for _ in range(times):
        page.get_by_role("button", name=name, exact=True).click()


def choose(page: Page, name: str, option: str) -> None:
    page.get_by_role("combobox", name=name).select_option(option)


def tabulated(chapter: dict[str, Any], name: str, states: int) -> tuple[Any, Any]:
    P, R = chapter["tabulate"](states, 4, chapter[name])
    return P, R


def slippery(P: Any, R: Any) -> tuple[Any, Any]:
    """The world in which a move turns to each side with probability SLIP / 2."""
    turned = [np.roll(x, turn, axis=1) for turn in (1, -1) for x in (P, R)]
    return (
        (1 - SLIP) * P + SLIP / 2 * (turned[0] + turned[2]),
        (1 - SLIP) * R + SLIP / 2 * (turned[1] + turned[3]),
    )


@pytest.mark.parametrize("sweeps", [1, 4, 31])
def test_value_iteration_on_the_gridworld(
    chapter: dict[str, Any], world: Page, sweeps: int
) -> None:
    P, R = tabulated(chapter, "gridworld", 25)
    V, old = np.zeros(25), np.zeros(25)
    for _ in range(sweeps):
        V, old = (R + 0.9 * P @ V).max(axis=1), V
    press(world, "One sweep", sweeps)
    np.testing.assert_allclose(values(world), V, rtol=0, atol=1e-12)
    change = np.max(np.abs(V - old))
    said = [float(x) for x in re.findall(r"change ([\d.]+),.*at most ([\d.]+)", readout(world))[0]]
    np.testing.assert_allclose(said, [change, 9 * change], rtol=0.006)
    right = {1: 8, 4: 21, 31: 25}[sweeps]
    assert f"shown in {right} of 25 cells" in readout(world)


def test_slips_turn_moves_to_the_sides(chapter: dict[str, Any], world: Page) -> None:
    P, R = slippery(*tabulated(chapter, "gridworld", 25))
    V = np.zeros(25)
    for _ in range(5):
        V = (R + 0.9 * P @ V).max(axis=1)
    slider(world, "slip").fill(str(SLIP))
    press(world, "One sweep", 5)
    np.testing.assert_allclose(values(world), V, rtol=0, atol=1e-12)


def test_evaluation_of_the_random_policy_on_the_small_grid(
    chapter: dict[str, Any], world: Page
) -> None:
    P, R = tabulated(chapter, "small_grid", 16)
    choose(world, "World", "small grid")
    choose(world, "Method", "evaluation of the random policy")
    press(world, "One sweep", 3)
    expected = chapter["sweeps_of_evaluation"](P, R, 1.0, np.full((16, 4), 0.25), 3)[-1]
    np.testing.assert_allclose(values(world), expected, rtol=0, atol=1e-12)
    assert "without discount bounds nothing" in readout(world)
    press(world, "To the end")
    limit = chapter["evaluate_policy"](P, R, 1.0, np.full((16, 4), 0.25))
    np.testing.assert_allclose(values(world), limit, rtol=0, atol=1e-4)


def test_a_sweep_in_place_uses_the_new_values(chapter: dict[str, Any], world: Page) -> None:
    P, R = tabulated(chapter, "gridworld", 25)
    V = np.zeros(25)
    for _ in range(2):
        for s in range(25):
            V[s] = np.max(R[s] + 0.9 * P[s] @ V)
    world.get_by_role("checkbox", name="in place").check()
    press(world, "One state", 25)
    press(world, "One sweep")
    np.testing.assert_allclose(values(world), V, rtol=0, atol=1e-12)


def test_policy_iteration_ends_at_the_optimum(chapter: dict[str, Any], world: Page) -> None:
    _, V, _ = chapter["policy_iteration"](*tabulated(chapter, "gridworld", 25), 0.9)
    choose(world, "Method", "policy iteration")
    press(world, "To the end")
    np.testing.assert_allclose(values(world), V, rtol=0, atol=1e-5)
    assert "shown in 25 of 25 cells" in readout(world)


def test_policy_iteration_evaluates_the_policy_that_it_improved(
    chapter: dict[str, Any], world: Page
) -> None:
    P, R = tabulated(chapter, "gridworld", 25)
    policy = np.full((25, 4), 0.25)
    V = chapter["sweeps_of_evaluation"](P, R, 0.9, policy, 2)[-1]
    policy = np.eye(4)[(R + 0.9 * P @ V).argmax(axis=1)]
    P_pi, r_pi = chapter["under_policy"](P, R, policy)
    choose(world, "Method", "policy iteration")
    press(world, "One sweep", 2)
    press(world, "Improve")
    press(world, "One sweep")
    np.testing.assert_allclose(values(world), r_pi + 0.9 * P_pi @ V, rtol=0, atol=1e-12)


def test_the_bound_holds_in_worlds_with_walls_rewards_and_ends(world: Page) -> None:
    cells = world.get_by_role("gridcell")
    cells.nth(7).click()
    choose(world, "A click", "gives the cell the reward")
    slider(world, "reward").fill("-3")
    cells.nth(12).click()
    choose(world, "A click", "makes or removes an end")
    slider(world, "reward").fill("4")
    cells.nth(24).click()
    assert "wall" in (cells.nth(7).get_attribute("class") or "")
    assert cells.nth(12).inner_text().endswith(f"{chr(0x2212)}3")
    assert "end" in cells.nth(24).inner_text()
    for _ in range(8):
        press(world, "One sweep")
        found = re.findall(r"at most ([\d.]+); it is ([\d.]+)\.", readout(world))
        bound, error = (float(x) for x in found[0])
        assert error <= bound * 1.01
        assert values(world)[24] == 0
    limit = values(world)
    press(world, "To the end")
    assert np.nanmax(np.abs(values(world) - limit)) > 0


def test_the_world_is_edited_and_solved_by_keyboard(chapter: dict[str, Any], world: Page) -> None:
    P, R = tabulated(chapter, "gridworld", 25)
    for s in range(25):  # a wall in cell 2: who walks into it bumps
        for a in np.flatnonzero(P[s, :, 2]):
            if s != 2:
                P[s, a], R[s, a] = np.eye(25)[s], -1
    P[2], R[2] = np.eye(25)[2], 0
    best, _ = chapter["value_iteration"](P, R, 0.9)
    world.get_by_role("checkbox", name="solve after every change").focus()
    world.keyboard.press("Space")
    world.get_by_role("gridcell").first.focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        world.keyboard.press(key)
    got = values(world)
    assert np.isnan(got[2])
    np.testing.assert_allclose(np.delete(got, 2), np.delete(best, 2), rtol=0, atol=1e-5)
    before = readout(world)
    slider(world, GAMMA).focus()
    world.keyboard.press("ArrowLeft")
    assert readout(world) != before
    world.get_by_role("gridcell").nth(2).click()
    assert not np.isnan(values(world)[2])


def test_a_world_without_a_limit_says_so(world: Page) -> None:
    slider(world, GAMMA).fill("1")
    press(world, "To the end")
    assert "There is no limit" in readout(world)


def test_the_four_by_three_world(chapter: dict[str, Any], world: Page) -> None:
    names: Callable[[Any], str] = lambda w: w["name"]  # noqa: E731
    choose(world, "World", next(name for name in map(names, chapter["worlds"]) if "3" in name))
    press(world, "To the end")
    printed = [0.812, 0.868, 0.918, 0, 0.762, np.nan, 0.660, 0, 0.705, 0.655, 0.611, 0.388]
    np.testing.assert_allclose(values(world), printed, rtol=0, atol=0.0005)
