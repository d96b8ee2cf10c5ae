"""Which tests are costly, and which concern one chapter.

The lane `system` holds what starts a cluster, a browser, a build of the book, a server or a second
grader: two thirds of the time of all tests. `make test-quick` leaves it out, `make test` does not.
"""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent

SYSTEM = frozenset(
    {
        "attacks/test_attacks.py",
        "attacks/test_bridge_attacks.py",
        "attacks/test_catalogue.py",
        "attacks/test_controls.py",
        "attacks/test_judge.py",
        "attacks/test_wires.py",
        "audit/test_audit.py",
        "book/test_execution.py",
        "book/test_guides.py",
        "book/test_measures.py",
        "book/test_publish.py",
        "book/test_skeleton.py",
        "durability/test_disks.py",
        "durability/test_kills.py",
        "durability/test_postgres.py",
        "farm/test_cluster.py",
        "farm/test_examples.py",
        "farm/test_real_runs.py",
        "farm/test_remote.py",
        "farm/test_same_scores.py",
        "farm/test_two_machines.py",
        "sandbox/test_death.py",
        "sandbox/test_drivers.py",
        "sandbox/test_limits.py",
        "split/test_fuzz.py",
        "split/test_same_as_stock.py",
        "test_autograde.py",
        "test_sample_class.py",
    }
)
"""Files of which every test is in the lane."""

COSTLY_FIXTURES = frozenset({"browser", "site"})
"""Whoever asks for one of these is in the lane too."""


def is_system(item: pytest.Item) -> bool:
    """Whether a test belongs to the lane `system`."""
    fixtures = set(getattr(item, "fixturenames", ()))
    return item.path.relative_to(TESTS).as_posix() in SYSTEM or bool(fixtures & COSTLY_FIXTURES)


def concerns(item: pytest.Item, chapter: str) -> bool:
    """Whether a test is about one chapter or its assignment.

    Args:
        item: a test.
        chapter: as `make test CHAPTER=` names it, with or without its part: "rl/exploration".
    """
    slug = chapter.strip("/").rsplit("/", 1)[-1]
    parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
    texts = [value for value in parameters if isinstance(value, str)]
    return any(slug in text.removesuffix(".html").split("/") for text in texts)
