"""Kernels forked from a zygote, which has imported what they need; cold ones where that fails.

A zygote is a fork server in a sandbox of its own (inside/zygote.py). This process keeps a few of
them, one for each set of things that a fork cannot change any more: what the sandbox shows, its
environment and its modules. They die with this process.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from grader.course import Limits
from grader.errors import SandboxError
from grader.sandbox.bubblewrap import (
    HOME,
    USER_ID,
    SandboxPolicy,
    command_line,
    python_command,
    shown,
)
from grader.sandbox.host import examine_host
from grader.sandbox.process import SandboxProcess
from grader.sandbox.start import (
    HalfStarted,
    bound,
    explain,
    open_descriptors,
    open_files,
    open_filter,
    spawn,
    start_sandbox,
    total_size,
)

IMPORT_TIMEOUT = 120.0  # seconds, for all modules together on a busy machine
MOST_FILES = 200
"""Data files of a warm kernel; Linux passes 253 descriptors at once."""
MOST_ZYGOTES = 4
_ANSWER = 2**20  # bytes


class ZygoteLost(SandboxError):
    """The zygote is gone, or no fork of it can be isolated."""


class Zygote:
    """A running fork server.

    Args:
        policy: of the kernels that it will become; their files and limits are theirs to choose.

    Raises:
        SandboxUnavailable: no sandbox starts here.
        ZygoteLost: it did not start.
    """

    def __init__(self, policy: SandboxPolicy) -> None:
        self._lock = threading.Lock()
        self._server, inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._server.settimeout(IMPORT_TIMEOUT)
        modules = list(policy.preload or ())
        with inner, ExitStack() as stack:
            nowhere = stack.enter_context(open(os.devnull, "wb"))
            descriptors = open_descriptors(policy, nowhere.fileno(), stack)
            inside = python_command(policy, "zygote", str(inner.fileno()), json.dumps(modules))
            command = command_line(policy, examine_host(), descriptors, inside, nested=True)
            self._outer = spawn(command, [inner.fileno(), *descriptors.numbers()])
        try:
            answer = json.loads(self._server.recv(_ANSWER))
        except (OSError, ValueError) as error:
            self._server.close()
            raise ZygoteLost(str(explain(self._outer, error))) from None
        if answer["threads"] != 1:
            self.close()
            raise ZygoteLost(f"Importing {', '.join(modules)} starts threads.")
        self.failed: dict[str, str] = answer["failed"]
        """Modules that could not be imported, and why."""

    @property
    def pid(self) -> int:
        """Process id of bubblewrap, with which the zygote and its kernels end."""
        return self._outer.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._outer.poll() is None

    def fork(
        self,
        policy: SandboxPolicy,
        orders: Mapping[str, Any],
        listeners: Mapping[int, socket.socket],
        passed: Sequence[int] = (),
    ) -> SandboxProcess:
        """Start a kernel; arguments as of `start_sandbox`.

        Raises:
            ZygoteLost: it does not fork any more.
            SandboxError: a data file cannot be read.
        """
        with ExitStack() as stack:
            half = HalfStarted(policy, stack)
            files = open_files(policy, stack)
            seccomp = open_filter(half.meter, stack)
            numbers = [*(listener.fileno() for listener in listeners.values()), *passed]
            request = _request(policy, numbers, total_size(files), seccomp is not None)
            code, code_in = _pipe(stack)
            errors, errors_in = _pipe(stack)
            given = [half.inner.fileno(), code_in.fileno(), errors_in.fileno(), *numbers, *files]
            given += [] if seccomp is None else [seccomp]
            try:
                with self._lock:
                    socket.send_fds(self._server, [json.dumps(request).encode()], given)
                for end in (half.inner, code_in, errors_in):
                    end.close()
                first = half.hear(b"first")
                half.meter.attach([first])
                half.say(b"g")
                kernel = half.hear(b"hello")
                process = bound([first, kernel], half.meter, errors, lambda: _read_code(code))
                return half.finish(process, orders, listeners)
            except (OSError, ValueError, EOFError) as error:
                code.close()
                errors.close()
                raise ZygoteLost(f"No kernel was forked ({error}).") from None

    def close(self) -> None:
        """End it, and its kernels."""
        self._server.close()
        self._outer.kill()
        self._outer.communicate()


def _request(
    policy: SandboxPolicy, numbers: Sequence[int], file_bytes: int, filtered: bool
) -> dict[str, Any]:
    """What the zygote is told of a kernel; see inside/zygote.py."""
    disk = policy.limits.disk
    tmpfs = {
        "/tmp": (disk, "1777"),  # noqa: S108 -- the sandbox's own
        "/dev/shm": (disk, "1777"),  # noqa: S108
        HOME: (disk + file_bytes, "0700"),
    }
    return {
        "passed": numbers,
        "files": [f"{HOME}/{file.target}" for file in policy.files],
        "filter": filtered,
        "home": HOME,
        "user": USER_ID,
        "group": USER_ID,
        "tmpfs": tmpfs,
        "kept": outermost(bind.target for bind in shown(policy) if _below(bind.target, tmpfs)),
    }


def _below(path: Path, folders: Iterable[str]) -> bool:
    return any(Path(folder) in path.parents for folder in folders)


def outermost(paths: Iterable[Path]) -> list[str]:
    """Those of `paths` that lie in no other of them."""
    chosen = set(paths)
    return sorted(str(path) for path in chosen if not chosen.intersection(path.parents))


def _pipe(stack: ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    """A pipe whose second end is closed with `stack`."""
    read, write = os.pipe()
    return os.fdopen(read, "rb", 0), stack.enter_context(os.fdopen(write, "wb", 0))


def _read_code(pipe: IO[bytes]) -> int | None:
    """The kernel's exit code, which its init wrote before it left."""
    with pipe:
        code = pipe.read(1)
    return code[0] if code else None


class _Zygotes:
    """The zygotes of this process."""

    def __init__(self) -> None:
        self._forget()
        os.register_at_fork(after_in_child=self._forget)
        atexit.register(self.close)

    def _forget(self) -> None:
        """A forked process must not use what its parent still does."""
        self._running: dict[SandboxPolicy, Zygote] = {}
        self._cold: dict[SandboxPolicy, str] = {}
        self._starting: dict[SandboxPolicy, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, policy: SandboxPolicy) -> Zygote | None:
        """A zygote for kernels of `policy`, started where there is none; None where none works."""
        key = _key(policy)
        with self._lock:
            starting = self._starting.setdefault(key, threading.Lock())
        with starting:
            if key in self._cold:
                return None
            found = self._running.get(key)
            if found is None or not found.alive:
                found = self._start(key)
            return found

    def _start(self, key: SandboxPolicy) -> Zygote | None:
        try:
            made = Zygote(key)
        except ZygoteLost as error:
            self._cold[key] = str(error)
            return None
        with self._lock:
            old = self._running.pop(key, None)
            self._running[key] = made
            spare = list(self._running)[:-MOST_ZYGOTES]
            closed = [old, *(self._running.pop(each) for each in spare)]
        for zygote in closed:
            if zygote is not None:
                zygote.close()
        return made

    def give_up(self, policy: SandboxPolicy, reason: str) -> None:
        """Start kernels of `policy` cold from now on."""
        self._cold[_key(policy)] = reason

    def why_cold(self, policy: SandboxPolicy) -> str:
        """Why kernels of `policy` do not start warm, or ""."""
        return self._cold.get(_key(policy), "")

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            running, self._running = self._running, {}
        for zygote in running.values():
            zygote.close()


zygotes = _Zygotes()
"""Of this process."""


def start_kernel(
    policy: SandboxPolicy,
    orders: Mapping[str, Any],
    listeners: Mapping[int, socket.socket],
    passed: Sequence[int] = (),
) -> SandboxProcess:
    """Start a kernel, warm where its policy says so and that works; as `start_sandbox`."""
    if policy.preload is None or len(policy.files) > MOST_FILES:
        return start_sandbox(policy, orders, listeners, passed)
    for last in (False, True):
        zygote = zygotes.get(policy)
        if zygote is None:
            break
        try:
            return zygote.fork(policy, orders, listeners, passed)
        except ZygoteLost as error:
            # files that cannot be placed are this one kernel's trouble
            if zygote.alive and last and not policy.files:
                zygotes.give_up(policy, str(error))
    return start_sandbox(policy, orders, listeners, passed)


def _key(policy: SandboxPolicy) -> SandboxPolicy:
    """What kernels of one zygote share."""
    limits = replace(Limits(), cpus=policy.limits.cpus)
    return replace(policy, files=(), limits=limits)
