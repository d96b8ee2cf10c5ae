"""Expressions of a test that need more of a student's object than calls and plain data."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from grader.release.names import words

_SOURCES = words(
    "inspect.findsource inspect.getclosurevars inspect.getcomments inspect.getfile "
    "inspect.getsource inspect.getsourcefile inspect.getsourcelines"
)
_HIDDEN = words("__code__ __globals__ __closure__ __defaults__ __kwdefaults__ func_code")
_PATCHERS = re.compile(r"(unittest\.)?mock\.patch(\.(object|dict|multiple))?|pytest\.MonkeyPatch")
_PICKLERS = re.compile(r"(pickle|dill|cloudpickle|joblib)\.dumps?")
HISTORY = re.compile(r"In|Out|_(i|ii|iii|ih|oh)|_i?\d+")
_MAGICS = words(
    "edit history load loadpy macro notebook pfile pinfo pinfo2 psource recall rep rerun reset "
    "reset_selective run save store who who_ls whos xdel"
)
_NAMESPACES = words("globals locals vars dir")
_LOOKING = words("get __getitem__ __contains__")
_WRITERS = words("write_text write_bytes")
_CHAINED = words("__cause__ __context__")
_OF_DATACLASSES = re.compile(r"dataclasses\.(fields|is_dataclass|asdict|astuple|replace)")
_SHARING = words("numpy.shares_memory numpy.may_share_memory")
_TEMPORARY = re.compile(r"tempfile\.(TemporaryDirectory|mkdtemp|NamedTemporaryFile|mkstemp)")
_ENVIRONMENT = words("os.getenv os.environ.get os.environ.__getitem__")
_OPENERS = words("open io.open")
_PRINTED = words("sys.stdout sys.stderr")
"""What a student's code prints is printed in the test kernel once more."""
_SHELL = words("run_line_magic run_cell_magic system getoutput")


@dataclass(frozen=True)
class Reach:
    """What is known of the names in a test cell.

    Attributes:
        trees: all cells that the test kernel runs.
        own: names of functions and classes that those define.
        bound: all names that those give a value.
        students: names that only the answer kernel has.
        theirs: all cells that only the answer kernel runs.
    """

    trees: Iterable[ast.Module]
    own: frozenset[str]
    bound: frozenset[str]
    students: frozenset[str]
    theirs: Iterable[ast.Module] = ()
    aliases: dict[str, str] = field(init=False)
    classes: frozenset[str] = field(init=False)
    """Classes that only the answer kernel has."""
    environment: frozenset[str] = field(init=False)
    """Environment variables that only the answer kernel's cells set."""

    def __post_init__(self) -> None:
        theirs = [node for tree in self.theirs for node in ast.walk(tree)]
        classes = {node.name for node in theirs if isinstance(node, ast.ClassDef)}
        ours = (node for tree in self.trees for node in ast.walk(tree))
        object.__setattr__(self, "classes", self.students & classes)
        object.__setattr__(self, "environment", _set_variables(theirs) - _set_variables(ours))
        aliases = {}
        for tree in (*self.theirs, *self.trees):  # every import runs in the test kernel
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
        name = first_name(node)
        return name in self.own or name in self.aliases or isinstance(node, ast.Constant)

    def is_library(self, node: ast.AST) -> bool:
        """Whether a path starts from an import."""
        return bool(self.path(node)) and first_name(node) in self.aliases


def unreachable(tree: ast.Module, reach: Reach) -> Iterator[tuple[int, str]]:
    """Lines of a test cell and what is wrong there, each without its full stop."""
    looker = _Looker(reach, tree)
    looker.visit(tree)
    yield from looker.found


class _Looker(ast.NodeVisitor):
    def __init__(self, reach: Reach, tree: ast.Module) -> None:
        self.found: list[tuple[int, str]] = []
        self._reach = reach
        given = list(assigned(tree))
        self._results = {name for name, value in given if first_name(value) in reach.students}
        self._instances = {name for name, value in given if self._makes_theirs(value)}
        self._opened = {name for name, value in given if self._opens(value)}
        self._buffers = {name for name, value in given if self._is_buffer(value)}
        self._depth = 0
        self._asked: set[ast.AST] = set()
        """Namespaces that are only asked for one name, which the test kernel can pass on."""

    def _makes_theirs(self, node: ast.expr) -> bool:
        """Whether an expression is one of the students' classes, or makes an object of one."""
        made = node.func if isinstance(node, ast.Call) else node
        return isinstance(made, ast.Name) and made.id in self._reach.classes

    def _opens(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Call) and self._reach.path(node.func) in _OPENERS

    def _is_buffer(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Call) and self._reach.path(node.func) == "io.BytesIO"

    def _is_theirs(self, node: ast.expr) -> bool:
        """Whether an expression starts from a student's name, or from what one returned."""
        name = first_name(node)
        return name in self._reach.students or name in self._results

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

    def visit_Await(self, node: ast.Await) -> None:
        value = node.value
        waits = [value]
        if isinstance(value, ast.Call) and self._reach.path(value.func).startswith("asyncio."):
            waits += value.args
        if any(self._is_theirs(each) for each in waits):
            self._awaiting(value)
        self.generic_visit(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        if self._is_theirs(node.iter):
            self._awaiting(node.iter)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        if node.is_async and self._is_theirs(node.iter):
            self._awaiting(node.iter)
        self.generic_visit(node)

    def _awaiting(self, node: ast.expr) -> None:
        self._note(
            node, f"{shown(node)} is awaited, and what waits stays in the answer kernel's loop"
        )

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
            if self._reach.path(node.value) == "os.environ":
                self._environment(node, node.slice)
        self.generic_visit(node)

    def _asks_for_one(self, namespace: ast.expr) -> None:
        if self._reach.path(getattr(namespace, "func", namespace)) != "dir":
            self._asked.add(namespace)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in _LOOKING:
            self._asks_for_one(node.value)
        if node.attr in _CHAINED and isinstance(node.ctx, ast.Load):
            self._note(node, f"{node.attr} of a student's exception stays in the answer kernel")
        elif node.attr in _HIDDEN and not self._reach.is_ours(node.value):
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
            ours = isinstance(first, ast.Name) and first.id in self._reach.own
            if not (ours or _patched(node, self._reach) in _PRINTED):
                self._patching(node)
        elif first is not None:
            self._call_about(node, path, first)
        self._call_with(node, path)
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
        elif _PICKLERS.fullmatch(path) and first_name(first) in reach.students:
            self._note(node, f"{path} would copy {first_name(first)} out of the answer kernel")
        elif path == "getattr" and theirs and len(node.args) > 1:
            second = node.args[1]
            if isinstance(second, ast.Constant) and second.value in _HIDDEN:
                self._hidden(node, str(second.value))
        elif path in ("setattr", "delattr") and reach.is_library(first):
            self._patching(node)

    def _call_with(self, node: ast.Call, path: str) -> None:
        """A call whose arguments are not the same thing in the other kernel."""
        first = node.args[0] if node.args else None
        if first is not None and _OF_DATACLASSES.fullmatch(path):
            if self._makes_theirs(first) or _plain_name(first) in self._instances:
                self._note(node, f"{path} needs the class itself, which stays in the answer kernel")
        elif path in _SHARING and any(self._is_theirs(each) for each in node.args):
            self._note(node, "no array shares memory with one of the answer kernel")
        elif path in _ENVIRONMENT and first is not None:
            self._environment(node, first)
        elif _TEMPORARY.fullmatch(path):
            self._note(node, f"what {path} makes is not seen by code in the answer kernel")
        elif self._is_theirs(node.func):
            self._hands_over(node)

    def _hands_over(self, node: ast.Call) -> None:
        for each in [*node.args, *(word.value for word in node.keywords)]:
            if self._opens(each) or _plain_name(each) in self._opened:
                self._note(each, "an open file of the test kernel cannot go to a student's code")
            elif (self._is_buffer(each) or _plain_name(each) in self._buffers) and (
                isinstance(node.func, ast.Attribute) and node.func.attr == "savefig"
            ):
                self._note(each, "a student's figure cannot be drawn into the test's buffer")

    def _environment(self, node: ast.expr, key: ast.expr) -> None:
        if isinstance(key, ast.Constant) and key.value in self._reach.environment:
            self._note(
                node,
                f"{key.value} is set in the environment of the answer kernel, and the test kernel "
                "has its own",
            )

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
        elif reach.path(target) in _PRINTED:
            return
        elif (isinstance(target, ast.Attribute) and reach.is_library(target.value)) or (
            isinstance(target, ast.Subscript)
            and reach.path(target.value) in ("sys.modules", "os.environ")
        ):
            self._patching(target)

    def _patching(self, node: ast.expr) -> None:
        self._note(
            node,
            f"{shown(node)} changes something in the test kernel only; the student's code goes on "
            "with what the answer kernel has",
        )

    def _hidden(self, node: ast.expr, name: str) -> None:
        self._note(node, f"{name} of a student's function stays in the answer kernel")


def _patched(node: ast.Call, reach: Reach) -> str:
    """What a call of `patch` or `patch.object` replaces, as a path, or ""."""
    owner = reach.path(node.args[0]) if node.args else ""
    texts = [each.value for each in node.args[:2] if isinstance(each, ast.Constant)]
    return ".".join(str(part) for part in (owner, *texts[:1]) if part)


def assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Names that assignments and `with` give a value, and the expression that it comes from."""
    for node in ast.walk(tree):
        pairs: list[tuple[ast.expr, ast.expr]] = []
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.NamedExpr):
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.With):
            pairs = [(e.optional_vars, e.context_expr) for e in node.items if e.optional_vars]
        for target, value in pairs:
            if not isinstance(target, ast.Tuple | ast.List):
                parts = [(target, value)]
            elif isinstance(value, ast.Tuple | ast.List):
                parts = list(zip(target.elts, value.elts, strict=False))
            else:
                parts = [(each, value) for each in target.elts]
            yield from ((one.id, its) for one, its in parts if isinstance(one, ast.Name))


def _set_variables(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """Environment variables that get a value by `os.environ["NAME"] = ...`."""
    return frozenset(
        node.slice.value
        for node in nodes
        if isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
        and ast.unparse(node.value).endswith("environ")
    )


def _plain_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def first_name(node: ast.AST) -> str:
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
    if path in _OPENERS:
        if node.args and ast.unparse(node.args[0]) in ("'/dev/null'", "os.devnull"):
            return False
        modes = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "mode")]
        return any(
            isinstance(mode, ast.Constant)
            and isinstance(mode.value, str)
            and any(letter in mode.value for letter in "wax+")
            for mode in modes
        )
    return isinstance(node.func, ast.Attribute) and node.func.attr in _WRITERS


def shown(node: ast.expr) -> str:
    """The text of an expression, cut short."""
    text = ast.unparse(node)
    return text if len(text) <= 40 else text[:39] + "…"
