"""Fixtures that several rooms' tests share, lanes, and the rule that CI skips nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.tests.courses import make_course
from grader.tests.lanes import concerns, is_system


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--chapter=rl/exploration` runs what concerns one chapter and its assignment."""
    parser.addoption("--chapter", default="", help="only tests of this chapter, such as rl/ppo")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the costly lane, and choose one chapter's tests where that is asked."""
    for item in items:
        if is_system(item):
            item.add_marker("system")
    chapter = config.getoption("chapter")
    if not chapter:
        return
    chosen = [item for item in items if concerns(item, chapter)]
    if not chosen:
        raise pytest.UsageError(
            f"No test is about {chapter!r}: name a chapter as PART/CHAPTER, as in book/, whose "
            "folder exists, or an assignment of solutions/."
        )
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    """In CI a skipped test is a failure: every part that it could miss is installed there."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def _released_course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from grader.course import Course
    from grader.release import release_assignment

    root = make_course(tmp_path_factory.mktemp("released") / "course")
    release_assignment(Course(root), "ps1")
    return root


@pytest.fixture
def released_course(_released_course: Path, tmp_path: Path) -> Path:
    """A fresh copy of a course whose ps1 is released and has no submissions yet."""
    return shutil.copytree(_released_course, tmp_path / "course")


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Path, str], Path]:
    """Copies a course to another folder of the same test."""

    def copy(root: Path, name: str) -> Path:
        return shutil.copytree(root, tmp_path / name)

    return copy


@pytest.fixture(scope="session")
def needs_bubblewrap() -> None:
    """Skips where student code cannot be isolated."""
    from grader.errors import SandboxUnavailable
    from grader.sandbox import examine_host

    try:
        examine_host()
    except SandboxUnavailable as reason:
        pytest.skip(str(reason))
