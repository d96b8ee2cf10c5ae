"""Expressions of a test that need more of a student's object than calls and plain data."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SOURCES = _words(
    "inspect.findsource inspect.getclosurevars inspect.getcomments inspect.getfile "
    "inspect.getsource inspect.getsourcefile inspect.getsourcelines"
)
_HIDDEN = _words("__code__ __globals__ __closure__ __defaults__ __kwdefaults__ func_code")
_PATCHERS = re.compile(r"(unittest\.)?mock\.patch(\.(object|dict|multiple))?|pytest\.MonkeyPatch")
_PICKLERS = re.compile(r"(pickle|dill|cloudpickle|joblib)\.dumps?")
HISTORY = re.compile(r"In|Out|_(i|ii|iii|ih|oh)|_i?\d+")
_MAGICS = _words(
    "edit history load loadpy macro notebook pfile pinfo pinfo2 psource recall rep rerun reset "
    "reset_selective run save store who who_ls whos xdel"
)
_NAMESPACES = _words("globals locals vars dir")
_LOOKING = _words("get __getitem__ __contains__")
_WRITERS = _words("write_text write_bytes")
_SHELL = _words("run_line_magic run_cell_magic system getoutput")


@dataclass(frozen=True)
class Reach:
    """What is known of the names in a test cell.

    Attributes:
        trees: all cells that the test kernel runs.
        own: names of functions and classes that those define.
        bound: all names that those give a value.
        students: names that only the answer kernel has.
    """

    trees: Iterable[ast.Module]
    own: frozenset[str]
    bound: frozenset[str]
    students: frozenset[str]
    aliases: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        aliases = {}
        for tree in self.trees:
            for node in ast.walk(tree):
                if isinstance(node, ast.Import):
                    for alias in node.names:
                        top = alias.name.partition(".")[0]
                        aliases[alias.asname or top] = alias.name if alias.asname else top
                elif isinstance(node, ast.ImportFrom):
                    for alias in node.names:
                        aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        object.__setattr__(self, "aliases", aliases)

    def path(self, node: ast.AST) -> str:
        """`np.random.rand` as "numpy.random.rand"; "" for what is no such path."""
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id, node.id)
        if isinstance(node, ast.Attribute) and (above := self.path(node.value)):
            return f"{above}.{node.attr}"
        return ""

    def is_ours(self, node: ast.AST) -> bool:
        """Whether an expression starts from something that the test kernel has itself."""
        name = _first_name(node)
        return name in self.own or name in self.aliases or isinstance(node, ast.Constant)

    def is_library(self, node: ast.AST) -> bool:
        """Whether a path starts from an import."""
        return bool(self.path(node)) and _first_name(node) in self.aliases


def unreachable(tree: ast.Module, reach: Reach) -> Iterator[tuple[int, str]]:
    """Lines of a test cell and what is wrong there, each without its full stop."""
    looker = _Looker(reach)
    looker.visit(tree)
    yield from looker.found


class _Looker(ast.NodeVisitor):
    def __init__(self, reach: Reach) -> None:
        self.found: list[tuple[int, str]] = []
        self._reach = reach
        self._depth = 0
        self._asked: set[ast.AST] = set()
        """Namespaces that are only asked for one name, which the test kernel can pass on."""

    def _note(self, node: ast.expr | ast.stmt, reason: str) -> None:
        self.found.append((node.lineno, reason))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for outside in node.decorator_list:
            self.visit(outside)
        self._depth += 1
        for inside in [node.args, *node.body]:
            self.visit(inside)
        self._depth -= 1

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for base in node.bases:
            if isinstance(base, ast.Name) and base.id in self._reach.students:
                self._note(
                    node, f"{node.name} extends {base.id}, a class that stays in the answer kernel"
                )
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        reach = self._reach
        if reach.path(node) == "pytest.MonkeyPatch":
            self._patching(node)
        elif HISTORY.fullmatch(node.id) and node.id not in reach.bound:
            self._note(
                node, f"{node.id} is the history of the test kernel, not of the student's cells"
            )

    def visit_Compare(self, node: ast.Compare) -> None:
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.In | ast.NotIn):
                self._asks_for_one(right)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.ctx, ast.Load):
            self._asks_for_one(node.value)
        self.generic_visit(node)

    def _asks_for_one(self, namespace: ast.expr) -> None:
        if self._reach.path(getattr(namespace, "func", namespace)) != "dir":
            self._asked.add(namespace)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in _LOOKING:
            self._asks_for_one(node.value)
        if node.attr in _HIDDEN and not self._reach.is_ours(node.value):
            self._hidden(node, node.attr)
        elif _is_shell(node.value) and node.attr not in _SHELL and node not in self._asked:
            self._note(
                node, f"get_ipython().{node.attr} is of the test kernel, not of the student's"
            )
        elif self._reach.path(node) == "pytest.MonkeyPatch":
            self._patching(node)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        path = self._reach.path(node.func)
        first = node.args[0] if node.args else None
        whole = path in _NAMESPACES and not node.args and node not in self._asked
        if whole and (path == "globals" or not self._depth):
            self._note(node, f"{path}() shows the names of the test kernel, not the student's")
        if isinstance(node.func, ast.Attribute) and _is_shell(node.func.value):
            self._magic(node, node.func.attr)
        if _PATCHERS.fullmatch(path) and not path.endswith("MonkeyPatch"):
            if not (isinstance(first, ast.Name) and first.id in self._reach.own):
                self._patching(node)
        elif first is not None:
            self._call_about(node, path, first)
        if _writes(node, path):
            self._note(node, "it writes a file, which code in the answer kernel does not see")
        self.generic_visit(node)

    def _call_about(self, node: ast.Call, path: str, first: ast.expr) -> None:
        """A call whose first argument may be a student's object."""
        reach = self._reach
        theirs = not reach.is_ours(first)
        if path in _SOURCES and theirs:
            self._note(node, f"{path} reads source, and the student's stays in the answer kernel")
        elif path.startswith("dis.") and theirs:
            self._note(
                node, f"{path} reads compiled code, and the student's stays in the answer kernel"
            )
        elif _PICKLERS.fullmatch(path) and _first_name(first) in reach.students:
            self._note(node, f"{path} would copy {_first_name(first)} out of the answer kernel")
        elif path == "getattr" and theirs and len(node.args) > 1:
            second = node.args[1]
            if isinstance(second, ast.Constant) and second.value in _HIDDEN:
                self._hidden(node, str(second.value))
        elif path in ("setattr", "delattr") and reach.is_library(first):
            self._patching(node)

    def _magic(self, node: ast.Call, way: str) -> None:
        name = node.args[0] if node.args else None
        if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
            return
        if way == "run_cell_magic":
            self._note(node, f"what stands under %%{name.value} is not read cell by cell here")
        elif way == "run_line_magic" and name.value in _MAGICS:
            self._note(node, f"%{name.value} works on the test kernel, not on the student's")

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._setting(target)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._setting(node.target)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._setting(node.target)
        self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self._setting(target)
        self.generic_visit(node)

    def _setting(self, target: ast.expr) -> None:
        reach = self._reach
        if isinstance(target, ast.Tuple | ast.List):
            for each in target.elts:
                self._setting(each)
        elif (isinstance(target, ast.Attribute) and reach.is_library(target.value)) or (
            isinstance(target, ast.Subscript)
            and reach.path(target.value) in ("sys.modules", "os.environ")
        ):
            self._patching(target)

    def _patching(self, node: ast.expr) -> None:
        self._note(
            node,
            f"{_shown(node)} changes something in the test kernel only; the student's code goes on "
            "with what the answer kernel has",
        )

    def _hidden(self, node: ast.expr, name: str) -> None:
        self._note(node, f"{name} of a student's function stays in the answer kernel")


def _first_name(node: ast.AST) -> str:
    """The name that an expression such as `f(x).y[0]` starts from, or ""."""
    while True:
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            return ""


def _is_shell(node: ast.AST) -> bool:
    """Whether an expression is `get_ipython()`."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "get_ipython"
    )


def _writes(node: ast.Call, path: str) -> bool:
    """Whether a call writes a file, as far as its own words say."""
    if path in ("open", "io.open"):
        modes = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "mode")]
        return any(
            isinstance(mode, ast.Constant)
            and isinstance(mode.value, str)
            and any(letter in mode.value for letter in "wax+")
            for mode in modes
        )
    return isinstance(node.func, ast.Attribute) and node.func.attr in _WRITERS


def _shown(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 40 else text[:39] + "…"
