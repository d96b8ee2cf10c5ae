"""What of a test makes something run that a file or text of the student's says.

In the test kernel a student's file is data: what would run it is refused there, so that the test
fails. That is better known when an assignment is released. Nothing is refused here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from grader.release.looking import Reach, shown
from grader.release.names import words

_LOADERS = re.compile(
    r"(pickle|dill|cloudpickle|joblib|marshal|torch\.serialization)\.loads?"
    r"|(pickle|dill|cloudpickle)\.Unpickler|pandas\.read_pickle|shelve\.open"
    r"|yaml\.(unsafe_load|full_load|unsafe_load_all)|runpy\.run_(path|module)"
    r"|importlib\.(util\.spec_from_file_location|machinery\.\w+Loader)|ctypes\.(CDLL|cdll\..*)"
)
_SWITCHED = {"torch.load": ("weights_only", False), "numpy.load": ("allow_pickle", True)}
"""Loaders that run what a file says where an option has this value."""
_PROGRAMS = re.compile(
    r"subprocess\.(run|Popen|call|check_call|check_output|getoutput|getstatusoutput)"
    r"|os\.(system|popen|exec\w+|spawn\w+|posix_spawnp?)"
    r"|asyncio\.create_subprocess_\w+|get_ipython\.system|get_ipython\.getoutput"
)
_READING = words("read read_text read_bytes readline readlines")


def running(tree: ast.Module, reach: Reach) -> Iterator[tuple[int, str]]:
    """Lines of a test cell and what would run there, each without its full stop."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if used & reach.students:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield from _calls(node, reach)


def _calls(node: ast.Call, reach: Reach) -> Iterator[tuple[int, str]]:
    path = reach.path(node.func)
    option, value = _SWITCHED.get(path, ("", None))
    switched = any(
        word.arg == option and isinstance(word.value, ast.Constant) and word.value.value is value
        for word in node.keywords
    )
    if switched or _LOADERS.fullmatch(path):
        called = f"{path} with {option}={value}" if switched else path
        yield (
            node.lineno,
            f"{called} runs what a file or bytes say; it is refused where the student's code wrote "
            "the file, and must not be given bytes of theirs: let them write plain data, such as "
            "JSON or arrays",
        )
    elif path in ("exec", "eval", "compile") and any(map(_reads, node.args[:1])):
        yield node.lineno, f"{path} runs what a file says, which is refused for a student's file"
    elif _PROGRAMS.fullmatch(_of_shell(node) or path):
        yield (
            node.lineno,
            f"a program that {path or shown(node.func)} starts can read the memory of the test "
            "kernel: it must be given no text of the student's, and a file of theirs is refused",
        )


def _of_shell(node: ast.Call) -> str:
    """`get_ipython().system` as a path; "" for anything else."""
    called = ast.unparse(node.func)
    return called.replace("()", "") if called.startswith("get_ipython().") else ""


def _reads(node: ast.expr) -> bool:
    """Whether an expression reads a file."""
    return any(
        isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr in _READING
        for each in ast.walk(node)
    )
