"""What markers in a cell say."""

from __future__ import annotations

import pytest

from grader.release.marks import (
    ANSWER_MARK,
    CHANGES_MARK,
    is_marked,
    said_to_change,
    with_usual_markers,
    without_hidden,
)

REGIONS = (("<secret>", "</secret>"), ("<scheme>", "</scheme>"))


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("a\n### BEGIN HIDDEN TESTS\nb\n### END HIDDEN TESTS\nc", "a\nc"),
        ("a\nx = 1  # BEGIN HIDDEN TESTS\nb\n  # END HIDDEN TESTS, at last\nc\n", "a\nc"),
        ("a\n### BEGIN HIDDEN TESTS\nb\n### END MARK SCHEME\nc", "a"),
        ("a\n### BEGIN MARK SCHEME\nb\n### END MARK SCHEME", "a"),
        (
            "### BEGIN HIDDEN TESTS\na\n### END HIDDEN TESTS\nb\n"
            "### BEGIN HIDDEN TESTS\nc\n### END HIDDEN TESTS",
            "b",
        ),
        ("### END HIDDEN TESTS\na", "### END HIDDEN TESTS\na"),
        ("a\n\n", "a\n\n"),
    ],
)
def test_what_a_release_shows_of_a_cell(source: str, shown: str) -> None:
    assert without_hidden(source) == shown


def test_other_markers_become_nbgraders_own() -> None:
    source = "a\n# <secret>\nb\n# </secret>\n<scheme>\nc\n</scheme>"
    assert without_hidden(source) == source
    assert without_hidden(with_usual_markers(source, REGIONS)) == "a"


def test_the_comments_for_the_grader() -> None:
    assert is_marked(f"x = 1\n{ANSWER_MARK}\n")
    assert not is_marked(f"x = 1  {ANSWER_MARK}")
    assert said_to_change(f"{CHANGES_MARK} a, b\nx\n  # grader: changes  c d\n") == {*"abcd"}
    assert said_to_change(f"x  {CHANGES_MARK} a\n{CHANGES_MARK}\n{CHANGES_MARK}A b") == set()
