"""What names a cell binds, reads and imports, judged from its text alone.

Nothing here raises, whatever the text: a cell that cannot be read binds and reads nothing.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import re
import symtable
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
"""Nodes of a def statement."""
_COMPOUND = (ast.For, ast.AsyncFor, ast.While, ast.If, ast.With, ast.AsyncWith, ast.Try, ast.Match)
_remembered = functools.lru_cache(maxsize=1024)
"""Instructors' cells are the same in every submission, and students' are not."""
_PROMPT = "In ["
LONGEST = 100_000
"""Characters of a cell that is read at all: a megabyte of source makes a tree of 800 MB."""
_MAGIC = re.compile(r"^([ \t]*)[%!?].*", re.MULTILINE)
_TRANSPARENT = re.compile(r"\A\s*%%(time|capture|prun)\b.*")


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


@_remembered
def parse_cell(source: str) -> ast.Module | None:
    """The syntax tree of a cell, IPython's own syntax translated.

    None where it has none, is longer than `LONGEST`, or is nested too deeply to be read.
    """
    if len(source) > LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes and the like
            return ast.parse(_python(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def transparent_magic(source: str) -> str:
    """The cell magic above code that runs in the notebook's namespace: "%%time", or ""."""
    found = _TRANSPARENT.match(source)
    return f"%%{found[1]}" if found else ""


@_remembered
def _python(source: str) -> str:
    """The cell as Python; nothing in Python as it stands is IPython's own, but for a prompt.

    Only instructors' cells come here: IPython's transformer takes time that grows as the square
    of a cell's length.
    """
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        ast.parse(source)
        if _PROMPT not in source:
            return source
    try:
        manager: Any = TransformerManager()  # type: ignore[no-untyped-call]  # IPython's
        return str(manager.transform_cell(_TRANSPARENT.sub("pass", source)))
    except Exception:  # IPython's own reader raises what it will about a text that is none of its
        return source


@_remembered
def bound_names(source: str) -> frozenset[str]:
    """Names that a cell defines in the notebook: by assignment, def, class, import, for, with."""
    return _bound_by(running(source))


@_remembered
def imported_names(source: str) -> frozenset[str]:
    """Those of `bound_names` that an import binds."""
    return _bound_by(node for node in running(source) if isinstance(node, ast.alias))


def defined_names(source: str) -> frozenset[str]:
    """Those of `bound_names` that no import binds."""
    return bound_names(source) - imported_names(source)


@_remembered
def class_names(source: str) -> frozenset[str]:
    """Those of `bound_names` that a class statement binds."""
    return frozenset(node.name for node in running(source) if isinstance(node, ast.ClassDef))


@_remembered
def function_names(source: str) -> frozenset[str]:
    """Those of `bound_names` that a def statement binds."""
    return frozenset(node.name for node in running(source) if isinstance(node, FUNCTIONS))


@_remembered
def assigned_names(source: str) -> frozenset[str]:
    """Those of `bound_names` that hold a value only: no function, class or import."""
    kinds = (*FUNCTIONS, ast.ClassDef, ast.alias)
    return bound_names(source) - _bound_by(n for n in running(source) if isinstance(n, kinds))


def deleted_names(source: str) -> frozenset[str]:
    """Names that a cell takes out of the notebook by `del`."""
    return frozenset(
        node.id
        for node in running(source)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del)
    )


@_remembered
def read_names(source: str) -> frozenset[str]:
    """Names of the notebook that a cell reads before it binds them itself."""
    tree = parse_cell(source)
    if tree is None:
        return frozenset()
    read, bound = _read_and_bound(tree)
    return frozenset(read | (names_in_functions(source) - bound))


def strangers_names(source: str) -> tuple[frozenset[str], frozenset[str]] | None:
    """As `read_names` and `bound_names`, for a cell that anybody may have written.

    It takes time and memory that grow as the cell's length, and nothing of it is remembered. Lines
    of IPython's own are left out; None is for a cell that is no Python, or too long or too deep.
    """
    for text in (source, _MAGIC.sub(r"\1pass", source)):
        if len(text) <= LONGEST:
            with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    tree, table = ast.parse(text), symtable.symtable(text, "cell", "exec")
                read, bound = _read_and_bound(tree)
                return frozenset(read | (_read_inside(table) - bound)), frozenset(bound)
    return None


def _read_and_bound(tree: ast.Module) -> tuple[set[str], set[str]]:
    """Names that statements read before they are bound, functions left out; and all bound ones."""
    read: set[str] = set()
    bound: set[str] = set()
    for statement in tree.body:
        nodes = [*nodes_in(statement)]
        binds = _bound_by(nodes)
        # what a loop or a block reads it may have bound itself
        known = bound | binds if isinstance(statement, _COMPOUND) else bound
        read |= _loaded_by(nodes) - known
        bound |= binds
    return read, bound


def loaded_names(source: str) -> frozenset[str]:
    """Names of the notebook that a cell reads at all, in functions too."""
    return _loaded_by(running(source)) | names_in_functions(source)


@_remembered
def names_in_functions(source: str) -> frozenset[str]:
    """Names that functions, classes and comprehensions of a cell take from the notebook."""
    if len(source) > LONGEST:
        return frozenset()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = symtable.symtable(_python(source), "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    return _read_inside(table)


def _read_inside(table: symtable.SymbolTable) -> frozenset[str]:
    found: set[str] = set()
    waiting = list(table.get_children())
    while waiting:
        inner = waiting.pop()
        found |= {s.get_name() for s in inner.get_symbols() if s.is_global() and s.is_referenced()}
        waiting += inner.get_children()
    return frozenset(found)


@_remembered
def import_statements(source: str) -> tuple[str, ...]:
    """The import statements of a cell outside functions, one by one."""
    return tuple(
        ast.unparse(node)
        for node in running(source)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and getattr(node, "module", "") != "__future__"
    )


def running(source: str) -> Iterator[ast.AST]:
    """Nodes that run when the cell runs, those inside functions, classes and lambdas left out."""
    tree = parse_cell(source)
    for statement in tree.body if tree is not None else ():
        yield from nodes_in(statement)


def nodes_in(node: ast.AST) -> Iterator[ast.AST]:
    """A node and what of it runs where it runs itself."""
    waiting = [node]
    while waiting:  # a loop, since a sum of a thousand terms is a thousand nodes deep
        node = waiting.pop()
        yield node
        waiting += [*_parts(node)][::-1]


def _parts(node: ast.AST) -> Iterable[ast.AST]:
    """What of a node runs where the node itself runs."""
    if isinstance(node, ast.Lambda):
        return _defaults(node.args)
    if isinstance(node, FUNCTIONS):
        outside = [each.annotation for each in ast.walk(node.args) if isinstance(each, ast.arg)]
        outside += [*node.decorator_list, *_defaults(node.args), node.returns]
        return filter(None, outside)
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases, *node.keywords]
    if isinstance(node, _COMPREHENSIONS):
        named = [each.target for each in ast.walk(node) if isinstance(each, ast.NamedExpr)]
        return [node.generators[0].iter, *named]
    return ast.iter_child_nodes(node)


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [each for each in (*arguments.defaults, *arguments.kw_defaults) if each is not None]


def _loaded_by(nodes: Iterable[ast.AST]) -> frozenset[str]:
    found = set()
    for node in nodes:
        target = node.target if isinstance(node, ast.AugAssign) else node
        loaded = target is not node or isinstance(getattr(node, "ctx", None), ast.Load)
        if isinstance(target, ast.Name) and loaded:
            found.add(target.id)
    return frozenset(found)


def _bound_by(nodes: Iterable[ast.AST]) -> frozenset[str]:
    return frozenset(name for node in nodes for name in names_bound(node))


def names_bound(node: ast.AST) -> Iterator[str]:
    """Names to which this one node gives a value."""
    if isinstance(node, FUNCTIONS):
        yield node.name
        for inner in ast.walk(node):
            if isinstance(inner, ast.Global):
                yield from inner.names
    elif isinstance(node, ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).split(".")[0]
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest
