"""Building other answers from a reference and its catalogues."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.audit.variants import apply_variant, asked, blank, step_of, steps_of
from grader.errors import CourseError
from grader.release.catalogue import Variant, load_catalogue

TWICE = '''import math


# doubled, and why
def double(x):
    """Return twice x."""
    ### BEGIN SOLUTION
    y = x + x
    return y
    # the end
    ### END SOLUTION


UNIT = "m"
'''


def cell(grade_id: str, source: str, *, solution: bool, points: int | None = None):
    settings = {"grade_id": grade_id, "solution": solution, "grade": points is not None}
    settings |= {"locked": not solution, "schema_version": 3, "task": False}
    if points is not None:
        settings["points"] = points
    return new_code_cell(source, metadata={"nbgrader": settings})


@pytest.fixture
def notebook():
    cells = [
        new_markdown_cell("# Numbers"),
        cell("setup", "import numpy as np\n%matplotlib inline", solution=False),
        cell("twice", TWICE, solution=True),
        cell("test_twice", "assert double(2) == 4", solution=False, points=2),
        cell("helper", "def half(x):\n    return x / 2", solution=True),
        cell("thrice", "class Triple:\n    pass\n\ndef triple(x): return 3 * x", solution=True),
        cell("test_thrice", "assert triple(2) == 6", solution=False, points=3),
    ]
    return new_notebook(cells=cells)


def catalogue(tmp_path: Path, text: str, name: str = "misconceptions.py") -> list[Variant]:
    path = tmp_path / name
    path.write_text(text)
    return load_catalogue(path)


def test_a_catalogue_is_read_and_not_run(tmp_path: Path) -> None:
    text = '''"""Wrong answers."""
from __future__ import annotations
import os, numpy as np
raise_at = None
'''
    with pytest.raises(CourseError, match="line 4: a catalogue holds only"):
        catalogue(tmp_path, text)
    (variant,) = catalogue(
        tmp_path,
        '''"""Wrong answers."""
import math
import numpy as np


def _one():
    return _zero() + 1


def _zero():
    return np.zeros(())


def _unused():
    return 1


def double__squares(x):
    """You square x,
    and do not double it."""
    return x * x if x else double__squares(_one())
''',
    )
    assert variant.name == "double__squares"
    assert variant.function == "double"
    assert variant.kind == "misconception"
    assert variant.sentence == "You square x, and do not double it."
    assert variant.source == (
        "import numpy as np\n\n\n"
        "def _one():\n    return _zero() + 1\n\n\n"
        "def _zero():\n    return np.zeros(())\n\n\n"
        "def double(x):\n    return x * x if x else double(_one())"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("def double(x):\n    'Why.'\n", "name double as <function>__<what>"),
        ("def double__(x):\n    'Why.'\n", "name double__ as"),
        ("def double__wrong(x):\n    return x\n", "needs a docstring"),
        ("async def double__wrong(x):\n    'Why.'\n", "holds only"),
        ("def double__wrong(x):\n    'Why.'\n" * 2, "twice"),
        ("def double__wrong(x:\n", "not valid Python"),
    ],
)
def test_a_bad_catalogue_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(CourseError, match=sentence):
        catalogue(tmp_path, text)


def test_a_catalogue_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"name it misconceptions\.py or alternatives\.py"):
        catalogue(tmp_path, "", name="others.py")
    with pytest.raises(CourseError, match="cannot be read: No such file"):
        load_catalogue(tmp_path / "alternatives.py")
    (tmp_path / "alternatives.py").write_bytes(b"x = '\xff'")
    with pytest.raises(CourseError, match="not valid Python"):
        load_catalogue(tmp_path / "alternatives.py")


def test_steps_pair_solutions_with_the_tests_that_follow(notebook) -> None:
    first, second = steps_of(notebook)
    assert (first.solution_id, first.test_id, first.points) == ("twice", "test_twice", 2.0)
    assert second.functions == ("half", "Triple", "triple")
    assert step_of(notebook, "half") == second
    assert second.solution_id == "thrice"
    with pytest.raises(CourseError, match="quadruple must be defined in exactly one"):
        step_of(notebook, "quadruple")


def test_a_variant_replaces_its_function_and_nothing_else(notebook) -> None:
    before = notebook.cells[2].source
    variant = Variant(
        "double__squares", "double", "misconception", ".", "def double(x):\n    x * x"
    )
    changed = apply_variant(notebook, variant)
    assert changed.cells[2].source == (
        'import math\n\n\n# doubled, and why\ndef double(x):\n    x * x\n\n\nUNIT = "m"'
    )
    assert notebook.cells[2].source == before
    assert [c.source for c in changed.cells if c is not changed.cells[2]] == [
        c.source for c in notebook.cells if c is not notebook.cells[2]
    ]
    unknown = Variant("quadruple__x", "quadruple", "misconception", ".", "")
    with pytest.raises(CourseError, match="exactly one solution cell"):
        apply_variant(notebook, unknown)


def test_a_decorated_function_is_replaced_with_its_decorator(notebook) -> None:
    notebook.cells[2].source = "@cached\ndef double(x):\n    return 2 * x"
    variant = Variant("double__x", "double", "misconception", ".", "def double(x):\n    return x")
    assert apply_variant(notebook, variant).cells[2].source == "def double(x):\n    return x"


def test_blank_is_what_nbgrader_makes_of_it(notebook) -> None:
    emptied = blank(notebook)
    assert emptied.cells[2].source == (
        "import math\n\n\n# doubled, and why\ndef double(x):\n"
        '    """Return twice x."""\n    # YOUR CODE HERE\n    raise NotImplementedError()'
        '\n\n\nUNIT = "m"\n'
    )
    assert "raise NotImplementedError()" in emptied.cells[5].source
    assert emptied.cells[3].source == notebook.cells[3].source
    one = blank(notebook, "thrice")
    assert one.cells[2].source == notebook.cells[2].source
    assert one.cells[5].source == emptied.cells[5].source
    with pytest.raises(CourseError, match="no cell with the grade_id fourth"):
        blank(notebook, "fourth")


def test_a_variant_of_what_is_given_is_not_asked_for(notebook) -> None:
    notebook.cells[1].source = "def unit(x):\n    return x"
    variants = tuple(
        Variant(f"{name}__x", name, "misconception", ".", "") for name in ("double", "unit", "typo")
    )
    assert [variant.function for variant in asked(notebook, variants)] == ["double", "typo"]
