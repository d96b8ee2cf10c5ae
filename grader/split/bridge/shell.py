"""IPython's shell: whose names it has in the test kernel, and how it reads a cell in both."""

from __future__ import annotations

import ast
import builtins
import sys
import warnings
from typing import Any

_PROMPT = "In ["  # which IPython strips, though `In [1]: x = 2` is Python


def take_over(shell: Any, names: dict[str, Any]) -> None:
    """Make `names` the namespace of the shell and of the functions that cells define."""
    from IPython.core.interactiveshell import make_main_module_type

    dict.__setitem__(names, "__name__", "__main__")
    for name, value in vars(builtins).items():
        if not name.startswith("_"):  # found here they are not looked for on the other side
            dict.setdefault(names, name, value)
    module = make_main_module_type(names)()
    shell.user_module = module
    shell.user_ns = names
    sys.modules["__main__"] = module


def leave_python_alone(shell: Any) -> None:
    """Spare cells that are Python already IPython's search for magics.

    It takes each cell apart twice, token by token, which is a fifth of what a kernel with long
    tests does. Nothing in Python as it stands is a magic. IPython still reads cells of one line,
    which may call without parentheses, those that begin as it strips them, and all cells once
    somebody has a transformation of their own. Both kernels do so: a student's cell means the same
    either way, and what a student does to their own shell harms nobody else.
    """
    original, known = shell.transform_cell, _transformations(shell)

    def transform_cell(raw: str) -> str:
        if _transformations(shell) != known or not _is_python(raw):
            return str(original(raw))
        return raw if raw.endswith("\n") else raw + "\n"

    shell.transform_cell = transform_cell


def _transformations(shell: Any) -> list[Any]:
    manager = shell.input_transformer_manager
    kinds = (manager.cleanup_transforms, manager.line_transforms, manager.token_transformers)
    return [*shell.input_transformers_post, *(each for kind in kinds for each in kind)]


def _is_python(raw: str) -> bool:
    first, _, more = raw.partition("\n")
    if not (first.strip() and more.strip()) or first.startswith((" ", "\t")) or _PROMPT in raw:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(raw)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
