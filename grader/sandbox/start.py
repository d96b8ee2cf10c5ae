"""Starting a sandbox: descriptors, the command, the handshake with the launcher inside."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import IO, Any, cast

from grader.course import Limits
from grader.errors import SandboxError, SandboxUnavailable
from grader.sandbox import bubblewrap
from grader.sandbox.bubblewrap import Descriptors, SandboxPolicy
from grader.sandbox.host import WITHOUT_IT, counts_processes_per_namespace, examine_host
from grader.sandbox.memory import MemoryMeter, make_meter
from grader.sandbox.process import SandboxProcess
from grader.sandbox.seccomp import compile_filter

START_TIMEOUT = 30.0  # seconds until bubblewrap and Python are up, on a busy machine
_CREDENTIALS = struct.Struct("3i")
_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


def resource_limits(limits: Limits, *, devices: bool) -> dict[str, int]:
    """Limits of a single process, by the name of the resource.

    Address space on a GPU is reserved far beyond what is used, so with devices RLIMIT_DATA
    stays off and the memory meter alone bounds memory.
    """
    chosen = {
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": limits.file_size,
        "RLIMIT_NOFILE": limits.open_files,
    }
    if counts_processes_per_namespace():
        chosen["RLIMIT_NPROC"] = limits.processes
    if not devices:
        chosen["RLIMIT_DATA"] = limits.memory
    return chosen


class HalfStarted:
    """A sandbox between its first process and its kernel's orders.

    Args:
        policy: what it may see and use.
        stack: closes what the sandbox needs only to start.
    """

    def __init__(self, policy: SandboxPolicy, stack: ExitStack) -> None:
        self._policy = policy
        self._process: SandboxProcess | None = None
        self._control, self.inner = map(stack.enter_context, socket.socketpair())
        self._control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._control.settimeout(START_TIMEOUT)
        self.meter = make_meter(
            policy.limits.memory,
            lambda: self._process.family() if self._process else [],
            lambda: self._process.tmpfs_folders() if self._process else [],
        )
        stack.callback(lambda: None if self._process else self.meter.close())

    def hear(self, word: bytes) -> int:
        """Wait for a process to say `word`; its process id, as seen from here.

        The kernel translates that; nothing untrusted has run yet, so it is not forged.

        Raises:
            OSError: it says something else, or nothing in time.
            EOFError: it is gone.
        """
        size = socket.CMSG_SPACE(_CREDENTIALS.size)
        said, ancillary, _, _ = self._control.recvmsg(512, size)
        if not said:
            raise EOFError
        if said != word:
            raise OSError(said.decode(errors="replace"))
        pid: int = _CREDENTIALS.unpack(ancillary[0][2][: _CREDENTIALS.size])[0]
        return pid

    def say(self, word: bytes) -> None:
        """Tell the process that waits for it to go on."""
        self._control.sendall(word)

    def finish(
        self,
        process: SandboxProcess,
        orders: Mapping[str, Any],
        listeners: Mapping[int, socket.socket],
    ) -> SandboxProcess:
        """Let `process` become a kernel; it is killed where that fails."""
        limits = resource_limits(self._policy.limits, devices=bool(self._policy.devices))
        numbers = {port: listener.fileno() for port, listener in listeners.items()}
        text = json.dumps({**orders, "rlimits": limits, "listeners": numbers})
        try:
            self._control.sendall(text.encode())
        except OSError:
            process.kill()
            process.pause(START_TIMEOUT)
            raise
        self._process = process
        return process


def start_sandbox(
    policy: SandboxPolicy,
    orders: Mapping[str, Any],
    listeners: Mapping[int, socket.socket],
    passed: Sequence[int] = (),
) -> SandboxProcess:
    """Start a sandbox and the kernel in it; returns when its Python is up and bounded.

    Args:
        policy: what it may see and use.
        orders: connection parameters for the launcher; limits and listeners are added here.
        listeners: listening Unix sockets by port number.
        passed: further descriptors that the kernel gets, under the same numbers.

    Raises:
        SandboxUnavailable: there is no bubblewrap, or the system does not let it work.
        SandboxError: Python did not start inside.
    """
    with ExitStack() as stack:
        half = HalfStarted(policy, stack)
        read_info, write_info = os.pipe()
        info = stack.enter_context(os.fdopen(read_info, "rb"))
        write = stack.enter_context(os.fdopen(write_info, "wb"))
        descriptors = open_descriptors(policy, write.fileno(), stack)
        seccomp = open_filter(half.meter, stack)
        inside = bubblewrap.python_command(policy, "launcher", str(half.inner.fileno()))
        command = bubblewrap.command_line(
            policy, examine_host(), replace(descriptors, seccomp=seccomp), inside
        )
        given = [half.inner.fileno(), *(each.fileno() for each in listeners.values()), *passed]
        outer = spawn(command, [*given, *descriptors.numbers(), *([seccomp] if seccomp else [])])
        half.inner.close()
        write.close()
        try:
            return half.finish(_meet(outer, info, half), orders, listeners)
        except (OSError, ValueError, EOFError) as error:
            raise explain(outer, error) from None


def open_descriptors(policy: SandboxPolicy, info: int, stack: ExitStack) -> Descriptors:
    """What bubblewrap reads from, and `info`, which it writes to.

    Raises:
        SandboxError: a data file cannot be read.
    """
    files = open_files(policy, stack)
    return Descriptors(
        info=info,
        passwd=stack.enter_context(_memory_file(bubblewrap.PASSWD.encode())).fileno(),
        group=stack.enter_context(_memory_file(bubblewrap.GROUP.encode())).fileno(),
        files=tuple(files),
        file_bytes=total_size(files),
    )


def open_files(policy: SandboxPolicy, stack: ExitStack) -> list[int]:
    """Descriptors of the policy's data files.

    Raises:
        SandboxError: one cannot be read.
    """
    try:
        return [stack.enter_context(file.source.open("rb")).fileno() for file in policy.files]
    except OSError as error:
        raise SandboxError(
            f"The data file {error.filename} cannot be read ({error.strerror}): "
            "restore it, or take it out of the assignment."
        ) from None


def total_size(files: Sequence[int]) -> int:
    """Bytes in these open files."""
    return sum(os.fstat(file).st_size for file in files)


def open_filter(meter: MemoryMeter, stack: ExitStack) -> int | None:
    """A descriptor of the compiled seccomp filter; None without libseccomp."""
    program = compile_filter(memory_is_counted=meter.name.startswith("cgroup"))
    return None if program is None else stack.enter_context(_memory_file(program)).fileno()


def _memory_file(content: bytes) -> IO[bytes]:
    file = os.fdopen(os.memfd_create("grader"), "w+b", buffering=0)
    file.write(content)
    file.seek(0)
    return file


class _Spawner:
    """One thread that lives as long as this program and starts every sandbox.

    `--die-with-parent` means the death of the thread that started bubblewrap, so a worker
    thread that ends early would take its sandboxes along.
    """

    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sandbox-spawner")

    def start(self, command: list[str], descriptors: list[int]) -> subprocess.Popen[bytes]:
        """Start `command` with nothing but these descriptors, /dev/null and a pipe for stderr."""
        return self._thread.submit(
            subprocess.Popen,
            command,
            bufsize=0,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=descriptors,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        ).result()


_spawner = _Spawner()


def spawn(command: list[str], descriptors: list[int]) -> subprocess.Popen[bytes]:
    """Start bubblewrap, which gets these descriptors and no others.

    Raises:
        SandboxUnavailable: there is no such program.
    """
    try:
        return _spawner.start(command, descriptors)
    except OSError as error:
        raise SandboxUnavailable(
            f"Student code cannot be isolated here: {command[0]} does not start "
            f"({error.strerror}); install bubblewrap and util-linux, {WITHOUT_IT}."
        ) from None


def _meet(outer: subprocess.Popen[bytes], info: IO[bytes], half: HalfStarted) -> SandboxProcess:
    """Wait for the launcher's hello, identify its processes, and bound their memory.

    Nothing untrusted has run yet, so neither process id can have been reused, and the pidfds
    hold them from here on.
    """
    kernel = half.hear(b"hello")
    first = int(json.loads(info.read())["child-pid"])
    errors = cast(IO[bytes], outer.stderr)
    return bound([first, kernel], half.meter, errors, lambda: _end(outer))


def bound(
    pids: Sequence[int], meter: MemoryMeter, errors: IO[bytes], end: Callable[[], int | None]
) -> SandboxProcess:
    """Hold a sandbox's first process and its kernel, and let `meter` count them.

    Raises:
        OSError: one of them is gone, or cannot be counted; then both are killed.
    """
    first, kernel = pids
    with ExitStack() as stack:
        held = []
        for pid in pids:
            held.append(os.pidfd_open(pid))
            stack.callback(os.close, held[-1])
            stack.callback(signal.pidfd_send_signal, held[-1], signal.SIGKILL)
        meter.attach(pids)
        stack.pop_all()
    return SandboxProcess(first, held[0], kernel, held[1], meter, errors, end)


def _end(outer: subprocess.Popen[bytes]) -> int | None:
    """Bubblewrap has lost its child and leaves by itself with its code, unless it was stopped."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        outer.wait(timeout=1)
    outer.kill()
    code = outer.wait()
    return code if code >= 0 else None


def explain(outer: subprocess.Popen[bytes], error: Exception) -> SandboxError:
    """Reap what did not start, and say in one sentence why."""
    outer.kill()
    output = b"" if outer.stderr is None or outer.stderr.closed else outer.communicate()[1]
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    reason = lines[-1].strip() if lines else f"{type(error).__name__} {error}".strip()
    if re.match(r"(bwrap|mount|setpriv|unshare|sh|mkdir|touch):", reason):
        return SandboxUnavailable(
            f"Student code cannot be isolated here: {reason}; allow unprivileged user namespaces "
            f"for bubblewrap, {WITHOUT_IT}."
        )
    return SandboxError(f"No kernel started in the sandbox: {reason}; run `grader doctor`.")
