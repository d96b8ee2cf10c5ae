"""The test kernel reads a cell as IPython does, and most cells without it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from grader.split.bridge.shell import leave_python_alone

PYTHON = {
    "test": "x = 1\nassert x == 1",
    "last_line_ended": "x = 1\nassert x == 1\n",
    "magic_in_a_text": 's = """\n%matplotlib inline\n!ls\n"""\nassert s',
    "remainder": "x = (7\n     % 4)\nassert x == 3",
    "await": "import asyncio\nawait asyncio.sleep(0)",
}
OTHER = {
    "line_magic": "x = 1\n%matplotlib inline\nassert x",
    "cell_magic": "%%capture out\nprint(1)",
    "system": "files = !ls\nassert files",
    "help": "x = 1\nx?",
    "one_line": "print 5",
    "one_line_ended": "print 5\n",
    "indented": "    x = 1\n    y = 2",
    "prompts": ">>> x = 1\n>>> y = 2",
    "numbered_prompt": "In [1]: x\nIn [2]: y",
    "prompt_on_the_second_line": "x = 1\nIn [2]: y = x",
    "empty_first_line": "\nx = 1\ny = 2",
    "no_python": "x = = 1\ny",
    "empty": "",
}


@pytest.fixture
def shell() -> Iterator[Any]:
    made = InteractiveShell()
    made.autocall = 1
    yield made
    made.history_manager.end_session()


@pytest.mark.parametrize("cell", [*PYTHON.values(), *OTHER.values()], ids=[*PYTHON, *OTHER])
def test_a_cell_is_read_as_ipython_reads_it(shell: Any, cell: str) -> None:
    expected = shell.transform_cell(cell)
    leave_python_alone(shell)
    assert shell.transform_cell(cell) == expected


@pytest.mark.parametrize("cell", PYTHON.values(), ids=PYTHON)
def test_python_is_not_taken_apart(shell: Any, cell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_cell: str) -> str:
        raise AssertionError("taken apart")

    monkeypatch.setattr(shell.input_transformer_manager, "transform_cell", refuse)
    leave_python_alone(shell)
    assert shell.transform_cell(cell).rstrip() == cell.rstrip()


def test_an_instructors_own_transformation_holds(shell: Any) -> None:
    leave_python_alone(shell)
    shell.input_transformers_post.append(lambda lines: [line.replace("a", "b") for line in lines])
    assert shell.transform_cell("a = 1\na = 2") == "b = 1\nb = 2\n"
