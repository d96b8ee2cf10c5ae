"""What students find in exercises/ is what solutions/ give today, and none of their secrets."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from grader.course import Course
from grader.release import release_assignment

ROOT = Path(__file__).parents[3]
ASSIGNMENTS = Course(ROOT).assignment_names
CANARY = re.compile(rb"pta-hidden-canary-[\w-]+", re.IGNORECASE)


@pytest.fixture(scope="module")
def course(_released_course: Path, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A copy of this repository's course, so that no release touches the original."""
    root = tmp_path_factory.mktemp("repository")
    shutil.copy(_released_course / "gradebook.db", root)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    shutil.copytree(ROOT / "solutions", root / "solutions")
    return Course(root)


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not {".ipynb_checkpoints", "__pycache__"} & set(path.parts)
    }


def test_there_are_assignments() -> None:
    assert "dynamic-programming" in ASSIGNMENTS


def test_nothing_is_released_that_has_no_source() -> None:
    released = {path.name for path in (ROOT / "exercises").iterdir() if path.is_dir()}
    kept = {name for name in released if ".yours-" in name}
    assert released - kept <= set(ASSIGNMENTS)


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_exercises_are_in_step(course: Course, name: str) -> None:
    release_assignment(course, name)
    fresh = files(course.path("release", name))
    committed = files(ROOT / "exercises" / name)
    assert sorted(committed) == sorted(fresh), f"run `grader release {name}`"
    stale = [path for path, content in fresh.items() if committed[path] != content]
    assert stale == [], f"run `grader release {name}`"


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_every_source_has_a_canary_and_no_release_sings(name: str) -> None:
    planted = set(CANARY.findall((ROOT / "solutions" / name / f"{name}.md").read_bytes()))
    assert planted, "plant a token pta-hidden-canary-... in each hidden test"
    for path, content in files(ROOT / "exercises" / name).items():
        assert CANARY.findall(content) == [], path
