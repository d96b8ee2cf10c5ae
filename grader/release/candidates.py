"""Candidates for a test that students write: right and wrong functions, from the catalogues.

A hidden test holds the line `### GRADER: CANDIDATES softmax`. In its place comes a list CANDIDATES
of pairs (candidate, is_right): the reference of softmax and its alternatives are right, its
misconceptions wrong. `ONLY name, name` after the function keeps those wrong ones alone, and `EXCEPT
name, name` leaves out right or wrong ones; a name is what follows `softmax__` in a catalogue.

All of it is Python text in the test's cell, so that the notebook runs anywhere. Each candidate is
made in a scope of its own, with what it needs, and stands behind the same function as the others:
nothing that can be read off one says what is wrong with it. What makes them stands above the
top-level statement with the line; the leak check knows it by the comment `CANDIDATES_MARK`.

A student's test may remember what it was asked before, and so learn what is right instead of
knowing it. `asking_order` therefore asks for each candidate more than once.
"""

from __future__ import annotations

import ast
import builtins
import copy
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from grader.errors import ReleaseError
from grader.release.catalogue import Variant, load_variants, reference_cells, without_docstring
from grader.release.edits import definition_in
from grader.release.marks import CANDIDATES_MARK, candidates_wanted
from grader.release.names import bound_names, names_bound, nodes_in, parse_cell, read_names

_ASKED = re.compile(r"\s*(\w+)\s*(?:\b(ONLY|EXCEPT)\b\s*(\w+(?:\s*,\s*\w+)*)\s*)?", re.IGNORECASE)
_LIST = "CANDIDATES"
_SORTED = frozenset({"RIGHT", "WRONG"})
"""What tests of earlier versions went through: right ones first, from which a check can learn."""
_UNREADABLE = re.compile(r"^\s*%|^\s*from\s+[\w.]+\s+import\s+\*", re.MULTILINE)
"""Lines that may define names which the text does not show."""

_FRAME = """
def {name}():
    {made} = []

    def {alike}(found):
        def candidate(*arguments, **options):
            return found(*arguments, **options)
        candidate.__qualname__ = "candidate"
        return candidate
    return [({alike}({made}[each]), each < {rights}) for each in {order}]
"""
"""What makes candidates; behind the same function nothing of one shows, its signature neither, nor
that it was asked before."""


def asking_order(rights: int, wrongs: int, secret: str) -> list[int]:
    """In which order to ask a check that may learn while it is asked.

    Each candidate is asked for at least twice, so a check that changes its mind is wrong once. The
    first is wrong, and comes again before any right one: "what came first is right" fails. At no
    moment have right ones come more often than it: "what came most often is right" fails. All else
    is drawn. One, two or three different wrong ones stand before the first right one, each as
    likely: a check that is written for this rule has to guess.

    Args:
        rights: number of right candidates, which are 0, 1, ...; at least one.
        wrongs: number of wrong ones, which follow; at least one.
        secret: what the order is drawn from; no student may know it.

    Returns:
        numbers of candidates, about 4 * `rights` + 2 * `wrongs` of them.
    """

    def drawn(what: str, items: Iterable[int]) -> list[int]:
        listed = list(items)
        keys = [
            hashlib.sha256(f"{what} {place} {secret}".encode()).digest()
            for place in range(len(listed))
        ]
        return [each for _, each in sorted(zip(keys, listed, strict=True))]

    first, *others = drawn("wrong", range(rights, rights + wrongs))
    before = drawn("before", range(min(3, wrongs)))[0]
    order = [first, *drawn("opening", [first, *others[:before]])]
    order += drawn("right", range(rights))[:1]
    left = Counter([first] * 2 * rights + [*range(rights + wrongs)] * 2) - Counter(order)
    rest = drawn("rest", left.elements())
    while rest:
        may = rest[0] >= rights or sum(each < rights for each in order) < order.count(first)
        order.append(rest.pop(0 if may else rest.index(first)))
    return order


def expand_candidates(notebook: NotebookNode, folder: Path, origin: str) -> None:
    """Replace the lines `### GRADER: CANDIDATES` of a notebook by lists of candidates.

    Args:
        notebook: the instructor's; changed in place.
        folder: where its catalogues are.
        origin: where it came from, for messages.

    Raises:
        ReleaseError: such a line asks for what is not there, or stands in no test of plain Python.
        CourseError: a catalogue is malformed.
    """
    cells = [cell for cell in notebook.cells if candidates_wanted(cell.source)]
    if not cells:
        return
    makers = _Makers(notebook, load_variants(folder, notebook))
    for cell in cells:
        settings = cell.metadata.get("nbgrader", {})
        place = f"{origin}, cell {settings.get('grade_id', 'without a name')}"
        is_test = cell.cell_type == "code" and settings.get("grade") and not settings["solution"]
        if not is_test:
            raise ReleaseError(
                f"{place}: `{CANDIDATES_MARK}` belongs into the hidden part of a test."
            )
        cell.source = _expanded(cell.source, makers, place)


def _expanded(source: str, makers: _Makers, place: str) -> str:
    try:
        body = ast.parse(source).body
    except SyntaxError:
        raise ReleaseError(f"{place}: `{CANDIDATES_MARK}` needs a cell of plain Python.") from None
    makers.refuse_sorted_lists(source, place)
    lines = source.split("\n")
    insertions = []
    for number, indent, words in candidates_wanted(source):
        name, text = makers.maker(words, place, source)
        lines[number] = f"{indent}{_LIST} = {name}()"
        # a comment at the end of a block belongs to it, which ast does not say
        around = [n for n in body if n.lineno <= number + 1 and (indent or number < _last(n))]
        if around:
            insertions.append((_first(around[-1]), text))
        else:
            makers.refuse_names_of_the_notebook(place)
            insertions.append((number, text))
    for at, text in sorted(insertions, reverse=True):
        lines[at:at] = [*text.split("\n"), "", ""]
    return "\n".join(lines)


def _first(node: ast.stmt) -> int:
    """The line of a statement's beginning, counted from 0."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)]) - 1


def _last(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


@dataclass
class _Makers:
    """Writes the functions that make candidates, under names that the notebook does not use."""

    notebook: NotebookNode
    variants: Sequence[Variant]

    def __post_init__(self) -> None:
        codes = [cell for cell in self.notebook.cells if cell.cell_type == "code"]
        self._sources = [cell.source for cell in codes]
        self._taken = {name for source in self._sources for name in bound_names(source)}
        self._written = [
            node
            for cell in codes
            if cell.metadata.get("nbgrader", {}).get("solution")
            for node in getattr(parse_cell(cell.source), "body", [])
        ]
        self._unreadable = any(_UNREADABLE.search(source) for source in self._sources)

    def refuse_sorted_lists(self, source: str, place: str) -> None:
        """Raise where a test's text goes through right ones before wrong ones."""
        for name in sorted(_SORTED & read_names(source) - self._taken):
            raise ReleaseError(
                f"{place}: `{CANDIDATES_MARK}` gives no {name}: go through the pairs (candidate, "
                f"is_right) of {_LIST}, in their order."
            )

    def refuse_names_of_the_notebook(self, place: str) -> None:
        """Raise where the list would replace a value of the notebook."""
        if _LIST in self._taken:
            raise ReleaseError(
                f"{place}: the notebook has a {_LIST} of its own: put the line "
                f"`{CANDIDATES_MARK}` into a function of the test."
            )

    def maker(self, words: str, place: str, test: str) -> tuple[str, str]:
        """The name and the text of a function that makes what a line asks for, in a test's text."""
        found = _ASKED.fullmatch(words)
        if found is None:
            raise ReleaseError(
                f"{place}: write `### {CANDIDATES_MARK} FUNCTION`, and after it perhaps "
                f"`ONLY NAME, NAME` or `EXCEPT NAME, NAME`, not {words.strip()!r}."
            )
        function, way, listed = found.groups()
        names = [name.strip() for name in (listed or "").split(",") if name.strip()]
        right, wrong = self._chosen(function, (way or "").upper(), names, place)
        name = self._free(f"_candidates_{function}")
        self._taken.add(name)
        listed, alike = map(self._free, ("made", "alike"))
        made = [
            node for each in right + wrong for node in self._made(listed, each, function, place)
        ]
        order = asking_order(len(right), len(wrong), "\n".join([test, *right, *wrong]))
        frame = ast.parse(
            _FRAME.format(name=name, made=listed, alike=alike, rights=len(right), order=order)
        )
        [definition] = frame.body
        if isinstance(definition, ast.FunctionDef):
            definition.body[1:1] = made
        head, _, rest = ast.unparse(ast.fix_missing_locations(frame)).partition("\n")
        return name, f"{head}  # {CANDIDATES_MARK} {function}\n{rest}"

    def _free(self, name: str) -> str:
        """This name, or one like it, that the notebook does not use."""
        while name in self._taken:
            name += "_"
        return name

    def _chosen(
        self, function: str, way: str, names: list[str], place: str
    ) -> tuple[list[str], list[str]]:
        """Sources of the right and of the wrong ones."""
        reference = next(
            (
                ast.unparse(without_docstring(node))
                for cell in reference_cells(self.notebook)
                if (node := definition_in(cell.source, function)) is not None
            ),
            None,
        )
        own = [variant for variant in self.variants if variant.function == function]
        known = {variant.name.removeprefix(f"{function}__"): variant for variant in own}
        if reference is None:
            raise ReleaseError(f"{place}: no cell of the notebook defines {function}.")
        for name in names:
            if name not in known or (way == "ONLY" and known[name].kind == "alternative"):
                kind = "misconception" if way == "ONLY" else "misconception or alternative"
                raise ReleaseError(f"{place}: {function} has no {kind} named {name}.")
        right, wrong = [reference], []
        for name, variant in known.items():
            if variant.kind == "alternative":
                right += [variant.source] if way != "EXCEPT" or name not in names else []
            elif not way or (name in names) == (way == "ONLY"):
                wrong.append(variant.source)
        if not wrong:
            raise ReleaseError(f"{place}: there is no misconception of {function} to be noticed.")
        return right, wrong

    def _made(self, listed: str, source: str, function: str, place: str) -> list[ast.stmt]:
        """Statements that add one candidate to a list of this name."""
        own = ast.parse(source).body
        pieces = [*self._needed(source, function, place), *own]
        make = self._free("make")
        made = ast.parse(f"def {make}():\n    return {function}\n\n{listed}.append({make}())").body
        [maker, _] = made
        if isinstance(maker, ast.FunctionDef):
            maker.body[0:0] = [_without_docstrings(piece) for piece in pieces]
        return made

    def _needed(self, source: str, function: str, place: str) -> list[ast.stmt]:
        """What solutions define and this source reads, and what that reads, in their order.

        Anything else is the notebook's own; what a solution defines would be the student's.
        """
        chosen: list[ast.stmt] = []
        waiting, known = [source], set(bound_names(source))
        while waiting:
            read = read_names(waiting.pop()) - known
            known |= read
            for name in sorted(read):
                new = [n for n in self._written if n not in chosen and name in _binds(n)]
                chosen += new
                waiting += [ast.unparse(node) for node in new]
                if not new and not (self._unreadable or name in self._taken or _is_builtin(name)):
                    raise ReleaseError(
                        f"{place}: a candidate for {function} uses {name}, which no cell of the "
                        "notebook and no import or helper of its catalogue defines."
                    )
        return [node for node in self._written if node in chosen]


def _binds(node: ast.stmt) -> set[str]:
    return {name for inner in nodes_in(node) for name in names_bound(inner)}


def _is_builtin(name: str) -> bool:
    return hasattr(builtins, name) or (name.startswith("__") and name.endswith("__"))


def _without_docstrings(node: ast.stmt) -> ast.stmt:
    """A copy without docstrings: a sentence in one may say what is wrong."""
    changed = copy.deepcopy(node)
    for inner in _definitions(changed):
        inner.body = without_docstring(inner).body
    return changed


def _definitions(node: ast.stmt) -> Iterable[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield inner
