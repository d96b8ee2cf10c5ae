"""Which functions the released notebook shows that only compute, judged from its text alone.

A student has read such a function, so a test may hand it over as text, and it runs in the answer
kernel without a message for each call. What is not plainly of this kind is left out here, and
stays in the test kernel behind a mirror.
"""

from __future__ import annotations

import ast
import builtins
import functools
import re
import symtable
import warnings
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from grader.release.names import import_statements, words
from grader.split.bridge.native import COMPUTING, Text

LONGEST = 8_000  # characters of one function
IN_ALL = 60_000  # characters; the order that carries them waits in a socket's buffer
_BUILTINS = words(
    "abs all any bin bool bytes bytearray callable chr complex dict divmod enumerate filter float "
    "format frozenset hex int isinstance issubclass iter len list map max min next object oct ord "
    "pow range repr reversed round set slice sorted str sum tuple zip Ellipsis NotImplemented"
) | {
    name
    for name, found in vars(builtins).items()
    if isinstance(found, type) and issubclass(found, Exception)
}
_PACKAGES = frozenset(module.partition(".")[0] for module in COMPUTING)
_DENIED = re.compile(
    # draws random numbers, or sets where they come from
    r"_.*|.*(rand|seed|rng|generator|dropout|shuffle|attention|lowrank).*|normal|bernoulli"
    r"|r?sample.*|resample|rvs|.*nomial|poisson|rrelu_?|gumbel_.*|fractional_.*|lobpcg|clarkson.*"
    r"|(normal|uniform|bernoulli|exponential|cauchy|log_normal|geometric)_"
    # reads or moves a switch of the library, says something, or goes by a name in a text
    r"|(set|get|use|show)_.*|[sg]eterr.*|errstate|printoptions|.*(anomaly|warn).*|info|test"
    r"|compile|attrgetter|methodcaller"
    # files
    r"|.*(save|load|memmap|_?file|import|export|pickle).*|genfromtxt|fromregex|datasource|open_.*",
    re.IGNORECASE,
)
_REFUSED = (
    *(ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await, ast.Yield, ast.YieldFrom),
    *(ast.Global, ast.Import, ast.ImportFrom, ast.ClassDef),
)


@dataclass(frozen=True)
class _Use:
    """How a function uses one global name.

    Attributes:
        paths: what is read of it, in dotted paths that begin with the name.
        called: it is called, and nothing else is done with it.
    """

    paths: frozenset[str]
    called: bool


@dataclass(frozen=True)
class _Candidate:
    name: str
    source: str
    uses: dict[str, _Use]


def shown_functions(cells: Iterable[str]) -> tuple[Text, ...]:
    """The functions that may go over as text.

    Args:
        cells: what the released notebook shows of each cell that the test kernel runs.
    """
    sources = list(cells)
    imports = _imports(sources)
    candidates = [found for source in sources for found in _candidates(source)]
    names: frozenset[str] = frozenset()
    before = None
    while names != before:  # until all that they call are of this kind too
        before = names
        known = names or frozenset(found.name for found in candidates)
        candidates = [found for found in candidates if _fits(found, imports, known)]
        names = frozenset(found.name for found in candidates)
    texts, room = [], IN_ALL
    for found in dict.fromkeys((each.name, each.source) for each in candidates):
        (candidate, *_) = (each for each in candidates if (each.name, each.source) == found)
        text = _text(candidate, imports, names)
        room -= len(text.source) + sum(map(len, text.reads)) + 200
        if room >= 0:
            texts.append(text)
    return tuple(texts)


def _imports(sources: list[str]) -> dict[str, str]:
    """Dotted paths by the names that imports bind to them, and to nothing else."""
    found: dict[str, set[str]] = {}
    for source in sources:
        for line in import_statements(source):
            for name, path in _bound_paths(line):
                found.setdefault(name, set()).add(path)
    return {
        name: path
        for name, paths in found.items()
        for path in paths
        if len(paths) == 1 and path.partition(".")[0] in _PACKAGES
    }


def _bound_paths(line: str) -> Iterator[tuple[str, str]]:
    (statement,) = ast.parse(line).body
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            yield (alias.asname, alias.name) if alias.asname else (alias.name.split(".")[0],) * 2
    elif isinstance(statement, ast.ImportFrom) and not statement.level:
        for alias in statement.names:
            yield alias.asname or alias.name, f"{statement.module}.{alias.name}"


def _fits(found: _Candidate, imports: dict[str, str], functions: Collection[str]) -> bool:
    """Whether each of its global names is of a kind that only computes."""
    for name, use in found.uses.items():
        if name in imports:
            if any(map(_DENIED.fullmatch, imports[name].split("."))):
                return False
        elif name in functions:
            if not use.called:
                return False
        elif name not in _BUILTINS:
            return False
    return True


def _text(found: _Candidate, imports: dict[str, str], functions: Collection[str]) -> Text:
    used = {name: imports[name] for name in sorted(found.uses) if name in imports}
    calls = [name for name in sorted(found.uses) if name in functions and name not in used]
    reads = [
        imports[name] + path.removeprefix(name)
        for name in used
        for path in sorted(found.uses[name].paths)
    ]
    rest = sorted(found.uses.keys() - used.keys() - set(calls))
    return Text(found.name, found.source, used, reads, calls, rest)


@functools.lru_cache(maxsize=1024)
def _candidates(source: str) -> tuple[_Candidate, ...]:
    """The functions of a cell that may be of this kind, as far as their own texts say."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)  # IPython's own syntax moves columns: such a cell has none
            found = (_candidate(node, source) for node in tree.body)
            return tuple(each for each in found if each is not None)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()


def _candidate(node: ast.stmt, source: str) -> _Candidate | None:
    text = ast.get_source_segment(source, node) or ""
    if (
        not isinstance(node, ast.FunctionDef)
        or node.decorator_list
        or getattr(node, "type_params", None)  # of Python 3.12
        or not 0 < len(text) <= LONGEST
        or not all(map(_is_constant, (*node.args.defaults, *filter(None, node.args.kw_defaults))))
    ):
        return None
    parts = list(ast.walk(node))
    names = _global_names(node, text)
    if names is None or any(isinstance(part, _REFUSED) for part in parts):
        return None
    if any(map(_is_denied, parts)) or names & set(map(_changed, parts)):
        return None
    return _Candidate(node.name, text, {name: _use(name, parts) for name in names})


def _is_constant(node: ast.expr) -> bool:
    """Whether a default is written out, and cannot change."""
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    if isinstance(node, ast.Tuple):
        return all(map(_is_constant, node.elts))
    return isinstance(node, ast.Constant)


def _global_names(node: ast.FunctionDef, text: str) -> frozenset[str] | None:
    """Names that it takes from the notebook; None where one of them is also its own somewhere."""
    arguments = [each for each in ast.walk(node.args) if isinstance(each, ast.arg)]
    annotations = [*(each.annotation for each in arguments), node.returns]
    found = {
        part.id
        for annotation in annotations
        if annotation is not None
        for part in ast.walk(annotation)
        if isinstance(part, ast.Name)
    }
    own: set[str] = set()
    waiting = list(symtable.symtable(text, "shown", "exec").get_children())
    while waiting:
        table = waiting.pop()
        for symbol in table.get_symbols():
            (found if symbol.is_global() else own).add(symbol.get_name())
        waiting += table.get_children()
    return None if found & own or any(name.startswith("__") for name in found) else frozenset(found)


def _is_denied(node: ast.AST) -> bool:
    """Whether an attribute or a named argument has a name that says it does more than compute."""
    if isinstance(node, ast.keyword):
        return node.arg is not None and _DENIED.fullmatch(node.arg) is not None
    return isinstance(node, ast.Attribute) and _DENIED.fullmatch(node.attr) is not None


def _changed(node: ast.AST) -> str:
    """The name in front of an attribute or item that gets a value or is deleted."""
    if not isinstance(node, ast.Attribute | ast.Subscript) or isinstance(node.ctx, ast.Load):
        return ""
    return _root(node)


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _use(name: str, parts: list[ast.AST]) -> _Use:
    """How the parts of a function use a global name."""
    above = {id(child): part for part in parts for child in ast.iter_child_nodes(part)}
    paths, called = set(), True
    for part in parts:
        if isinstance(part, ast.Name) and part.id == name:
            at: ast.AST = part
            path = name
            while isinstance(step := above.get(id(at)), ast.Attribute):
                at, path = step, f"{path}.{step.attr}"
            paths.add(path)
            call = above.get(id(part))
            called = called and isinstance(call, ast.Call) and call.func is part
    return _Use(frozenset(paths), called)
