"""The lanes hold what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.tests.lanes import SYSTEM, TESTS, concerns, is_system


class Item:
    """What a lane asks of a test."""

    def __init__(self, path: Path, *fixtures: str, **parameters: object) -> None:
        self.path = path
        self.fixturenames = fixtures
        self.callspec = self
        self.params = parameters


def test_every_file_of_the_costly_lane_is_there() -> None:
    assert sorted(name for name in SYSTEM if not (TESTS / name).is_file()) == []


def test_who_asks_for_a_browser_or_the_site_is_costly() -> None:
    quick = TESTS / "test_course.py"
    assert not is_system(Item(quick, "tmp_path"))
    assert is_system(Item(quick, "site"))
    assert is_system(Item(TESTS / "farm" / "test_remote.py"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("exploration", True),
        ("book/rl/exploration/index", True),
        ("book/rl/exploration/index.html", True),
        ("book/rl/exploration-of-space/index", False),
        ("book/rl/ppo/index", False),
        (3, False),
    ],
)
@pytest.mark.parametrize("chapter", ["rl/exploration", "exploration", "rl/exploration/"])
def test_a_chapters_tests_are_found_by_their_parameters(
    value: object, expected: bool, chapter: str
) -> None:
    assert concerns(Item(TESTS / "x.py", page=value, width=390), chapter) is expected
