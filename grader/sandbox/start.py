"""Starting a sandbox: descriptors, the command, the handshake with the launcher inside."""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from grader.course import Limits
from grader.errors import SandboxError, SandboxUnavailable
from grader.sandbox import bubblewrap, launcher
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
        control, inner = map(stack.enter_context, socket.socketpair())
        control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        control.settimeout(START_TIMEOUT)
        read_info, write_info = os.pipe()
        info = stack.enter_context(os.fdopen(read_info, "rb"))
        write = stack.enter_context(os.fdopen(write_info, "wb"))
        box: list[SandboxProcess] = []
        meter = make_meter(
            policy.limits.memory,
            lambda: box[0].family() if box else [],
            lambda: box[0].tmpfs_folders() if box else [],
        )
        stack.callback(lambda: None if box else meter.close())
        descriptors = _open_descriptors(policy, write.fileno(), meter, stack)
        outer = _spawn(policy, descriptors, inner, [*_numbers(listeners), *passed])
        inner.close()
        write.close()
        try:
            box.append(_meet(outer, info, control, meter))
            limits = resource_limits(policy.limits, devices=bool(policy.devices))
            numbers = {port: listener.fileno() for port, listener in listeners.items()}
            text = json.dumps({**orders, "rlimits": limits, "listeners": numbers})
            control.sendall(text.encode())
        except (OSError, ValueError, EOFError) as error:
            while box and not box[-1].pause(0.1):
                box[-1].kill()
            box.clear()
            raise _explain(outer, error) from None
        return box[0]


def _open_descriptors(
    policy: SandboxPolicy, info: int, meter: MemoryMeter, stack: ExitStack
) -> Descriptors:
    counted = meter.name.startswith("cgroup")
    seccomp = compile_filter(memory_is_counted=counted)
    if seccomp is not None:
        stack.enter_context(seccomp)
    try:
        files = [stack.enter_context(file.source.open("rb")) for file in policy.files]
    except OSError as error:
        raise SandboxError(
            f"The data file {error.filename} cannot be read ({error.strerror}): "
            "restore it, or take it out of the assignment."
        ) from None
    return Descriptors(
        info=info,
        launcher=stack.enter_context(Path(launcher.__file__).open("rb")).fileno(),
        passwd=stack.enter_context(_memory_file(bubblewrap.PASSWD)).fileno(),
        group=stack.enter_context(_memory_file(bubblewrap.GROUP)).fileno(),
        files=tuple(file.fileno() for file in files),
        seccomp=None if seccomp is None else seccomp.fileno(),
        file_bytes=sum(os.fstat(file.fileno()).st_size for file in files),
    )


def _memory_file(text: str) -> IO[bytes]:
    file = os.fdopen(os.memfd_create("grader"), "w+b", buffering=0)
    file.write(text.encode())
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


def _numbers(listeners: Mapping[int, socket.socket]) -> list[int]:
    return [listener.fileno() for listener in listeners.values()]


def _spawn(
    policy: SandboxPolicy,
    descriptors: Descriptors,
    control: socket.socket,
    passed: Sequence[int],
) -> subprocess.Popen[bytes]:
    inside = [str(policy.python), bubblewrap.LAUNCHER, str(control.fileno())]
    command = bubblewrap.command_line(policy, examine_host(), descriptors, inside)
    try:
        return _spawner.start(command, [control.fileno(), *passed, *descriptors.numbers()])
    except OSError as error:
        raise SandboxUnavailable(
            f"Student code cannot be isolated here: {command[0]} does not start "
            f"({error.strerror}); install bubblewrap and util-linux, {WITHOUT_IT}."
        ) from None


def _meet(
    outer: subprocess.Popen[bytes], info: IO[bytes], control: socket.socket, meter: MemoryMeter
) -> SandboxProcess:
    """Wait for the launcher's hello, identify its processes, and bound their memory.

    The kernel translates the sender's process id for us; nothing untrusted has run yet, so
    neither id can have been reused or forged, and the pidfds hold them from here on.
    """
    size = socket.CMSG_SPACE(_CREDENTIALS.size)
    hello, ancillary, _, _ = control.recvmsg(64, size)
    if not hello:
        raise EOFError
    kernel = _CREDENTIALS.unpack(ancillary[0][2][: _CREDENTIALS.size])[0]
    first = int(json.loads(info.read())["child-pid"])
    first_fd = os.pidfd_open(first)
    try:
        kernel_fd = os.pidfd_open(kernel)
    except OSError:
        os.close(first_fd)
        raise
    process = SandboxProcess(outer, first, first_fd, kernel, kernel_fd, meter)
    try:
        meter.attach([first, kernel])
    except OSError:
        process.kill()
        process.pause(START_TIMEOUT)
        raise
    return process


def _explain(outer: subprocess.Popen[bytes], error: Exception) -> SandboxError:
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
