"""Files that the student's code wrote, as the test kernel has them: data, and never code.

They lie beside the test, where it looks for them, and are known by what the grader wrote there. A
file of that name which an instructor's cell or a test wrote is theirs, and stays as it is. While
a cell of the test kernel has a student's file open to it, nothing may be made to run: unpickling
that needs a class or function, a module, a text for `exec`, a program.

Python says what it is about to do to a hook that cannot be taken away (`sys.addaudithook`), which
is heard by every loader there is. It is set when the first such file comes, since it costs a
little each time that anything asks for an `id`.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import threading
from collections.abc import Callable
from typing import Any

from .values import CannotCross
from .wire import WireError

IN_ALL = 128 * 2**20  # bytes
CODE = (".py", ".pyc", ".pyd", ".pyw", ".so", ".pth", ".zip", ".egg", ".ipynb")
SETTINGS = frozenset(
    "matplotlibrc pytest.ini tox.ini setup.cfg pyproject.toml distutils.cfg pyvenv.cfg".split()  # noqa: SIM905 -- readable
)
"""Files that a library reads where it finds them, and does what they say."""
_DEPTH = 60  # frames between a test and what it makes a library do
_WRITING = os.O_WRONLY | os.O_RDWR
_PICKLING = frozenset(
    "pickle _compat_pickle dill cloudpickle joblib shelve torch numpy pandas".split()  # noqa: SIM905 -- readable
)

_MAKERS = frozenset(
    "dataclasses collections typing attr._make".split()  # noqa: SIM905 -- readable
)
"""Modules that run text of their own, never what a file says."""


def may_pass(name: object) -> bool:
    """Whether a file of this name may go from one work folder to the other: data, never code."""
    return (
        type(name) is str
        and 0 < len(name) <= 200
        and not name.startswith((".", "_"))
        and name.isprintable()
        and "/" not in name
        and name not in SETTINGS
        and not name.lower().endswith(CODE)
    )


class StudentsFiles:
    """The student's files in the work folder of the test kernel.

    Args:
        namespace: of the test kernel's cells, by which their frames are known.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._folder = os.path.abspath(".")
        self._left: dict[str, tuple[int, ...]] = {}
        """What each file looked like when the student's was put there."""
        self._marks: set[tuple[int, ...]] = set()
        self._made: set[str] = set()
        """Paths that were written while a student's file was open: copies, unpacked archives."""
        self._sizes: dict[str, int] = {}
        """Bytes of each file that came, as it lies there now."""
        self._lying = 0
        self._hooked = self._putting = False
        self._opened = ""
        self._ever = ""
        self._handlers: dict[str, Callable[[tuple[Any, ...]], None]] = {
            "open": self._open,
            "sqlite3.connect": lambda args: self._open((args[0], "r", 0)),
            "pickle.find_class": self._unpickle,
            "exec": self._execute,
            "import": lambda args: self._load(args[1]),
            "ctypes.dlopen": lambda args: self._load(args[0]),
            "marshal.load": self._unmarshal,
            "marshal.loads": self._unmarshal,
            **dict.fromkeys(
                ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn"),
                self._start,
            ),
        }

    def begin(self) -> None:
        """A cell begins, and has opened nothing."""
        self._opened = ""

    def own(self) -> list[str]:
        """Names in the work folder that are the instructor's: put there, or written by a cell."""
        with os.scandir(self._folder) as entries:
            return sorted(each.name for each in entries if not self._is_left(each.name))

    def put(self, files: list[Any]) -> None:
        """Write what the student's code wrote where a test would look for it.

        Raises:
            WireError: it is malformed, or of a name that no honest kernel sends.
            CannotCross: they are too much, all that lie there together.
        """
        for entry in files:
            if type(entry) is not tuple or [type(part) for part in entry] != [str, bytes]:
                raise WireError("a malformed file")
            name, data = entry
            if not may_pass(name):
                raise WireError("a file that may not pass")
            path = os.path.join(self._folder, name)
            if os.path.lexists(path) and not self._is_left(name):
                continue  # a cell has written one of this name since the last test began
            more = len(data) - self._sizes.get(name, 0)
            if self._lying + more > IN_ALL:
                raise CannotCross(
                    f"the answer wrote more than {IN_ALL // 2**20} MB of files in all; "
                    f"{name} was not taken over"
                )
            self._lying += more
            self._sizes[name] = len(data)
            self._hook()
            self._putting = True
            try:
                with open(path, "wb") as file:
                    file.write(data)
            finally:
                self._putting = False
            self._made.discard(path)
            self._left[name] = _look(path)
            self._marks.add(self._left[name])

    def _is_left(self, name: str) -> bool:
        known = self._left.get(name)
        return known is not None and known == _look(os.path.join(self._folder, name))

    def _hook(self) -> None:
        if not self._hooked:
            self._hooked = True
            handlers = self._handlers  # a local name, since every event comes here

            def hook(event: str, arguments: tuple[Any, ...]) -> None:
                if event in handlers:
                    handlers[event](arguments)

            sys.addaudithook(hook)

    def _is_theirs(self, path: Any) -> bool:
        """Whether a path leads to a student's file, by whatever name or link."""
        if not isinstance(path, str | bytes | int) or isinstance(path, bool):
            return False
        if not isinstance(path, int) and _absolute(path) in self._made:
            return True
        try:
            return _look(path, follow=True) in self._marks
        except (OSError, ValueError):
            return False

    def _open(self, arguments: tuple[Any, ...]) -> None:
        path, _, flags = arguments
        if self._putting or type(flags) is not int:
            return
        theirs, writing = self._is_theirs(path), flags & _WRITING
        if theirs and flags & _WRITING != os.O_WRONLY:
            self._opened = self._ever = _name(path)
        if not isinstance(path, str | bytes):
            return
        absolute = _absolute(path)
        inside = os.path.dirname(absolute) == self._folder
        if writing:
            # from here on the file is the test's, though what is in it may be the student's
            if (theirs and not flags & os.O_TRUNC) or (self._opened and not theirs):
                self._made.add(absolute)
            if theirs and inside:
                self._left.pop(os.path.basename(absolute), None)

    def _unpickle(self, arguments: tuple[Any, ...]) -> None:
        if self._opened and self._in_cell():
            self._refuse(self._opened)
        # what was read before may lie in a variable, whatever is open now
        if self._ever and not self._own_is_open() and self._called_by_cell():
            self._refuse(self._ever)

    def _own_is_open(self) -> bool:
        """Whether a file of the work folder that is not the student's is open now."""
        for number in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):  # closed by now: the folder's own
                path = os.readlink(f"/proc/self/fd/{number}")
                if os.path.dirname(path) == self._folder and not self._is_theirs(path):
                    return True
        return False

    def _execute(self, arguments: tuple[Any, ...]) -> None:
        name = getattr(arguments[0], "co_filename", "")
        if name.startswith("<frozen "):
            return
        if self._opened and (name.startswith("<") or not os.path.exists(name)):
            # text that was compiled just now, and nobody knows where it comes from
            if _caller() not in _MAKERS and self._in_cell():
                self._refuse(self._opened)
        elif not name.startswith("<"):
            self._load(name)

    def _load(self, path: Any) -> None:
        if path and self._is_theirs(path):
            self._refuse(_name(path))

    def _unmarshal(self, arguments: tuple[Any, ...]) -> None:
        if self._opened and self._called_by_cell():
            self._refuse(self._opened)

    def _start(self, arguments: tuple[Any, ...]) -> None:
        if self._opened and self._in_cell():
            self._refuse(self._opened)
        said = " ".join(_texts(arguments))
        for name in [*self._left, *map(os.path.basename, self._made)]:
            if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", said):
                self._refuse(name)

    def _in_cell(self) -> bool:
        """Whether a cell of the test kernel is at work, in this thread or in one that it made."""
        frame = sys._getframe(2)
        for _ in range(_DEPTH):
            if frame is None:
                # the kernel's own threads neither unpickle nor run anything
                return threading.get_ident() != threading.main_thread().ident
            if frame.f_globals is self._namespace:
                return True
            frame = frame.f_back  # type: ignore[assignment]  # None is looked for above
        return True

    def _called_by_cell(self) -> bool:
        """Whether a cell itself has called what unpickles or executes."""
        frame = sys._getframe(2)
        while frame is not None:
            if frame.f_globals is self._namespace:
                return True
            module = str(frame.f_globals.get("__name__", ""))
            ours = module == __name__
            if not ours and module.partition(".")[0] not in _PICKLING:
                return False
            frame = frame.f_back  # type: ignore[assignment]  # None ends the loop
        return False

    def _refuse(self, name: str) -> None:
        raise CannotCross(
            f"the file {name} was written by the student's code, and what it holds is data: "
            "nothing of it is run in the test kernel"
        )


def _look(path: str | bytes | int, *, follow: bool = False) -> tuple[int, ...]:
    """What tells a file from another, or from itself after it was written again."""
    try:
        found = os.stat(path) if follow or isinstance(path, int) else os.lstat(path)
    except FileNotFoundError:
        return ()
    kind = stat.S_IFMT(found.st_mode)
    return (kind, found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)


def _caller() -> str:
    """Name of the module that is about to run something."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back  # type: ignore[assignment]  # None ends the loop
    return "" if frame is None else str(frame.f_globals.get("__name__", ""))


def _absolute(path: str | bytes) -> str:
    return os.path.abspath(os.fsdecode(path))


def _name(path: Any) -> str:
    return os.path.basename(os.fsdecode(path)) if isinstance(path, str | bytes) else "it reads"


def _texts(value: Any) -> list[str]:
    """The texts in the arguments of a program that is about to start."""
    if isinstance(value, str | bytes):
        return [os.fsdecode(value)]
    if isinstance(value, list | tuple):
        return [text for each in value for text in _texts(each)]
    if hasattr(value, "__fspath__"):
        return [os.fsdecode(value)]
    return []
