"""One running sandbox, held from outside through pidfds, which are never reused.

Every process of a sandbox lives in one pid namespace. When that namespace's first process is
killed, the kernel kills all the others, and the first process counts as gone only after they
are. So killing it is total, however often a submission forks or calls setsid.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from grader.sandbox.bubblewrap import HOME
from grader.sandbox.memory import MemoryMeter

TAIL = 4096  # bytes of stderr kept for diagnosis
TMPFS = ("tmp", "dev/shm", HOME.lstrip("/"))


@dataclass
class SandboxProcess:
    """A started sandbox. Build one with `start_sandbox`.

    Args:
        first: process id of the namespace's first process, as seen from here.
        first_fd: pidfd of that process.
        kernel_fd: pidfd of the process that runs cells.
        kernel: its process id, as seen from here.
        meter: what bounds and measures memory.
        stderr: what the sandbox writes to stderr.
        end: called once no process is left; gives the kernel's exit code, or None where the
            sandbox was ended from outside.
    """

    first: int
    first_fd: int
    kernel: int
    kernel_fd: int
    meter: MemoryMeter
    stderr: IO[bytes]
    end: Callable[[], int | None]

    def __post_init__(self) -> None:
        self._tail = b""
        self._killing = threading.Lock()
        self._gone = False
        self._exit_code: int | None = None
        self._first = psutil.Process(self.first)  # taken now, so that it notices a reused id
        self._poll = select.poll()
        self._poll.register(self.first_fd, select.POLLIN)
        os.set_blocking(self.stderr.fileno(), False)
        self._poll.register(self.stderr.fileno(), select.POLLIN)

    def pause(self, seconds: float) -> bool:
        """Wait up to `seconds`; True at once when no process of the sandbox is left.

        Only one thread may call this; it also keeps stderr from filling up.
        """
        for descriptor, _ in self._poll.poll(seconds * 1000):
            if descriptor == self.first_fd:
                self._finish()
                return True
            data = self.stderr.read(65536)
            if data == b"":
                self._poll.unregister(descriptor)
            self._tail = (self._tail + (data or b""))[-TAIL:]
        return False

    def _finish(self) -> None:
        self._tail = (self._tail + (self.stderr.read(65536) or b""))[-TAIL:]
        self._exit_code = self.end()
        with self._killing:
            self._gone = True
            os.close(self.first_fd)
            os.close(self.kernel_fd)
        self.stderr.close()

    def exit_code(self) -> int | None:
        """The kernel's exit code, 128 and more for a signal.

        None while the sandbox runs, and where it was ended from outside: then no code of the
        kernel's exists.
        """
        return self._exit_code

    def tail(self) -> str:
        """The end of what was written to stderr outside of any cell."""
        return self._tail.decode(errors="replace").strip()

    def kill(self) -> None:
        """Kill every process of the sandbox; returns at once, `pause` tells when it is done."""
        with self._killing:
            if not self._gone:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self.first_fd, signal.SIGKILL)

    def interrupt(self) -> None:
        """Send SIGINT to the kernel and what it started, as Ctrl-C in a terminal would."""
        with self._killing:
            if self._gone:
                return
            family = self.family()
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.kernel_fd, signal.SIGINT)
            for process in family:
                with contextlib.suppress(psutil.Error):
                    if process.pid != self.kernel:
                        process.send_signal(signal.SIGINT)

    def family(self) -> list[psutil.Process]:
        """All processes of the sandbox; what setsid detached hangs under the first one."""
        try:
            return list(self._first.children(recursive=True))
        except psutil.Error:
            return []

    def pids(self) -> set[int]:
        """The first process, the kernel, and what a cgroup counts with them."""
        return {self.first, self.kernel, *self.meter.members()}

    def tmpfs_folders(self) -> list[Path]:
        """The folders in which the sandbox can write, as seen from here."""
        return [Path(f"/proc/{self.first}/root") / name for name in TMPFS]
