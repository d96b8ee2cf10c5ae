"""What kernels of an assignment are forked with."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.course import Course
from grader.farm.preload import imported_modules, preload_of
from grader.release import load_template


def test_modules_are_read_from_import_statements() -> None:
    statements = (
        "from __future__ import annotations",
        "import numpy as np, os.path",
        "from torch import nn",
        "from matplotlib.pyplot import *",
        "from . import sibling",
    )
    assert imported_modules(statements) == (
        "matplotlib.pyplot",
        "numpy",
        "os.path",
        "torch",
        "torch.nn",
    )


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("c.Grader.preload = ['torch']", ("torch",)),
        ("c.Grader.preload = []", ()),
        ("c.Grader.warm_kernels = False", None),
    ],
)
def test_the_course_chooses(
    released_course: Path, config: str, expected: tuple[str, ...] | None
) -> None:
    with (released_course / "nbgrader_config.py").open("a") as file:
        file.write(f"{config}\n")
    course = Course(released_course)
    assert preload_of(course, load_template(course, "ps1")) == expected


def test_by_default_it_is_what_the_instructors_notebooks_import(released_course: Path) -> None:
    course = Course(released_course)
    chosen = preload_of(course, load_template(course, "ps1"))
    assert chosen is not None
    assert {"csv", "matplotlib.pyplot"} <= set(chosen)
