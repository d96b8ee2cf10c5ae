"""Misconceptions that are written as an edit of the reference.

Where a wrong answer differs from the right one by a few lines, `misconceptions.toml` says which:

    [[misconception]]
    function = "backup"
    name = "forgets_the_discount"
    original = "return R + gamma * (P @ V)"
    mutant = "return R + P @ V"
    sentence = "Your action values lack gamma."

`original` must stand in the function once, its docstring left out. How far both are indented does
not count, but the lines of `mutant` keep their distance from those of `original`.
"""

from __future__ import annotations

import ast
import textwrap
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import CourseError

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
FIELDS = ("function", "name", "original", "mutant", "sentence")


@dataclass(frozen=True)
class Edited:
    """A wrong answer made by an edit: whose it is, its sentence, and what it came to."""

    function: str
    name: str
    sentence: str
    node: Definition


def read_edits(path: Path, reference: Sequence[str]) -> list[Edited]:
    """The wrong answers that `path` describes, in its order.

    Args:
        path: a misconceptions.toml.
        reference: code cells of the instructor's notebook; where a name is defined twice, the
            first cell counts.

    Raises:
        CourseError: the file is malformed, or an edit does not fit its function exactly once.
    """
    return [
        _edited(f"Entry {number} of {path}", entry, reference)
        for number, entry in enumerate(read_entries(path, "misconception", FIELDS), 1)
    ]


def read_entries(path: Path, kind: str, fields: Iterable[str]) -> list[dict[str, str]]:
    """The tables `[[kind]]` of a TOML file that holds nothing else.

    Raises:
        CourseError: the file is no TOML, or an entry lacks one of `fields`, has an empty one
            (but for `mutant`, which may delete lines), or has too much.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} is not valid TOML: {error}.") from None
    entries = content.pop(kind, [])
    if content or not isinstance(entries, list):
        raise CourseError(f"{path} may hold only [[{kind}]] entries.")
    wanted = set(fields)
    for number, entry in enumerate(entries, 1):
        texts = isinstance(entry, dict) and all(isinstance(v, str) for v in entry.values())
        filled = texts and all(v.strip() for key, v in entry.items() if key != "mutant")
        if not filled or entry.keys() != wanted:
            raise CourseError(
                f"Entry {number} of {path} must have these texts: {', '.join(sorted(wanted))}."
            )
    return entries


def definition_in(source: str, name: str) -> Definition | None:
    """The last definition of `name` at the top level of a cell; None also where it is no Python."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return None
    found = [n for n in body if isinstance(n, Definition) and n.name == name]
    return found[-1] if found else None


def _edited(place: str, entry: dict[str, str], reference: Sequence[str]) -> Edited:
    function, name = entry["function"], entry["name"]
    if not (function.isidentifier() and name.isidentifier()):
        raise CourseError(f"{place}: function and name must be made of letters, digits and _.")
    place = f"{place}, {function}__{name}"
    for source in reference:
        node = definition_in(source, function)
        if node is not None:
            break
    else:
        raise CourseError(f"{place}: no cell of the notebook defines {function}.")
    lines = source.split("\n")  # as ast counts them
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)]) - 1
    last = node.end_lineno or node.lineno
    original = _trimmed(entry["original"])
    found = [
        at
        for at in range(first, last - len(original) + 1)
        if _flat(lines[at : at + len(original)]) == _flat(original)
        and not _touches_docstring(node, at, at + len(original))
    ]
    if len(found) != 1:
        where = f"at {len(found)} places of" if found else "nowhere in"
        advice = "take a line more" if found else "copy them from there"
        raise CourseError(f"{place}: its original lines stand {where} {function}; {advice}.")
    at = found[0]
    shift = _indent(lines[at : at + len(original)]) - _indent(original)
    mutant = [_shifted(line, shift) for line in _trimmed(entry["mutant"])]
    after = lines[first:at] + mutant + lines[at + len(original) : last]
    return Edited(function, name, entry["sentence"], _parsed(place, after, function, node))


def _parsed(place: str, lines: list[str], function: str, before: Definition) -> Definition:
    """What the edited lines define."""
    try:
        tree = ast.parse(textwrap.dedent("\n".join(lines)))
    except SyntaxError as error:
        raise CourseError(f"{place}: the edited function is no Python: {error.msg}.") from None
    node = tree.body[-1]
    if len(tree.body) != 1 or not isinstance(node, Definition) or node.name != function:
        raise CourseError(f"{place}: after the edit there is more, or less, than {function}.")
    if ast.dump(node) == ast.dump(before):
        raise CourseError(f"{place}: the edit changes nothing that Python sees.")
    return node


def _touches_docstring(node: Definition, start: int, stop: int) -> bool:
    """Whether lines `start` up to `stop`, counted from 0, hold a part of the docstring."""
    if ast.get_docstring(node, clean=False) is None:
        return False
    text = node.body[0]
    return start < (text.end_lineno or text.lineno) and text.lineno - 1 < stop


def _trimmed(text: str) -> list[str]:
    """The lines of a TOML text, which may begin and end with empty ones."""
    lines = [line.rstrip() for line in text.splitlines()]
    while lines and not lines[0]:
        del lines[0]
    while lines and not lines[-1]:
        del lines[-1]
    return lines


def _indent(lines: Iterable[str]) -> int:
    """How far the leftmost line is indented."""
    return min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)


def _flat(lines: Sequence[str]) -> list[str]:
    shift = _indent(lines)
    return [line[shift:].rstrip() for line in lines]


def _shifted(line: str, shift: int) -> str:
    if not line:
        return line
    return " " * shift + line if shift >= 0 else line[min(-shift, _indent([line])) :]
