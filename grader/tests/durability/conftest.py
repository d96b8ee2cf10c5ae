"""Fixtures for tests of what a run survives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.tests.courses import changed, submit
from grader.tests.durability.postgres import Server, programs, server
from grader.tests.farm.support import Inline, install

CLASS = {
    "ann": {},
    "bob": {"answers": changed("problem1", "equation", "YOUR FORMULA")},
    "cem": {"answers": {}},
    "dan": {},
}


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> Inline:
    """Grading in this process, with every test passed and no kernel started."""
    return install(monkeypatch)


@pytest.fixture(scope="session")
def database() -> Iterator[Server]:
    """A PostgreSQL server."""
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with server(found) as running:
        yield running


@pytest.fixture
def hand_in() -> Callable[[Path], None]:
    """Hands in the work of the class."""

    def submissions(root: Path) -> None:
        for student, work in CLASS.items():
            submit(root, student, **work)

    return submissions
