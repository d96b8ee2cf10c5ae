"""Courses to release from: of notebooks and of text sources."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from grader.course import Course
from grader.tests.courses import KERNELSPEC

HEAD = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---
"""

CANARY = "pta-hidden-canary-0000"

TEXT = f"""{HEAD}
# Greetings

```{{code-cell}} ipython3
---
nbgrader: {{grade: false, grade_id: parameters, locked: true, schema_version: 3, solution: false,
  task: false}}
tags: [parameters]
---
SEED = 0
```

```{{code-cell}} ipython3
:grader: checking
```

Write `hello`.

```{{code-cell}} ipython3
---
nbgrader: {{grade: false, grade_id: hello, locked: false, schema_version: 3, solution: true,
  task: false}}
---
def hello(name):
    ### BEGIN SOLUTION
    return "Hello, " + name + "!"  # {CANARY}-answer
    ### END SOLUTION
```

```{{code-cell}} ipython3
---
nbgrader: {{grade: true, grade_id: test_hello, locked: true, points: 2.5, schema_version: 3,
  solution: false, task: false}}
---
assert hello("x").endswith("!")
### BEGIN HIDDEN TESTS
assert hello("Ada") == "Hello, Ada!"  # {CANARY}-test
### END HIDDEN TESTS
```
"""


@pytest.fixture
def gradebook(_released_course: Path, tmp_path: Path) -> Path:
    """A copy of a gradebook: to make a new one takes nbgrader seconds."""
    return Path(shutil.copy(_released_course / "gradebook.db", tmp_path / "gradebook.db"))


@pytest.fixture
def course_of(gradebook: Path) -> Callable[..., Course]:
    """Makes a course whose assignment hw has one notebook, a, of the given cells."""

    def make(*cells: nbformat.NotebookNode, config: str = "", **changes: Any) -> Course:
        root = gradebook.parent
        (root / "nbgrader_config.py").write_text(f"c = get_config()\n{config}\n", "utf-8")
        write_notebook(root / "source" / "hw" / "a.ipynb", *cells, **changes)
        return Course(root)

    return make


@pytest.fixture
def text_course(gradebook: Path) -> Course:
    """A course of text sources, with the assignment hello and all that may stand beside it."""
    root = gradebook.parent
    (root / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        "c.Grader.solutions_directory = 'solutions'\n"
        "c.CourseDirectory.source_directory = '_build/source'\n"
        "c.CourseDirectory.release_directory = 'exercises'\n"
    )
    folder = root / "solutions" / "hello"
    (folder / "data" / "deep").mkdir(parents=True)
    (folder / "hello.md").write_text(TEXT, encoding="utf-8")
    wrong = f"def hello__shouts(name):\n    'You shout, {CANARY}.'\n    return name.upper()\n"
    (folder / "misconceptions.py").write_text(wrong)
    (folder / "alternatives.py").write_text(f"def hello__joins(name): ...  # {CANARY}\n")
    (folder / "notes.txt").write_text(f"{CANARY}\n")
    (folder / "data" / "names.csv").write_text("name\nAda\n")
    (folder / "data" / "deep" / "more.bin").write_bytes(bytes(range(256)))
    return Course(root)


def write_notebook(path: Path, *cells: nbformat.NotebookNode, **changes: Any) -> Path:
    """Save cells as a notebook, with other top-level keys where they are given."""
    content = {"metadata": {"kernelspec": KERNELSPEC}, "nbformat": 4, "nbformat_minor": 5}
    notebook = nbformat.from_dict({"cells": list(cells), **content, **changes})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.v4.writes(notebook), encoding="utf-8")
    return path
