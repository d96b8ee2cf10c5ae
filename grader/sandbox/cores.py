"""Processes that take turns, on one core for a while.

Two kernels of which one always waits for the other could run on two cores, and by themselves they
do. But to wake a process on a core that sleeps takes longer than most messages: a round trip costs
65 microseconds on one core and 140 on two (a virtual machine of two cores).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from pathlib import Path

_PRESSURE = 10.0
"""Per cent of the last ten seconds in which something waited."""
_CORE = 36
"""Where the core that it last ran on stands in /proc/PID/stat, counted behind the name."""


class OneCore:
    """Puts the main threads of these processes on the core that the first one last ran on.

    It does nothing where processes wait for a core: then none of them sleeps, and the system knows
    best who should run where. Nor does it where Linux's calls for it are missing.

    Args:
        pids: of processes that take turns; each should compute with one thread.
    """

    def __init__(self, pids: Collection[int]) -> None:
        self._before: dict[int, set[int]] = {}
        try:
            if not _crowded():
                core = _last_core(next(iter(pids)))
                for pid in pids:
                    self._move(pid, core)
        except (OSError, AttributeError, ValueError, IndexError, StopIteration):
            self.end()

    def _move(self, pid: int, core: int) -> None:
        before = os.sched_getaffinity(pid)
        if core in before:
            os.sched_setaffinity(pid, {core})
            self._before[pid] = before

    def end(self) -> None:
        """Let them run anywhere again; idempotent."""
        for pid, before in self._before.items():
            with contextlib.suppress(OSError):  # it may be gone by now
                os.sched_setaffinity(pid, before)
        self._before = {}


def _crowded() -> bool:
    """Whether something waited for a core in the last seconds, for more than a moment."""
    try:
        some = Path("/proc/pressure/cpu").read_text().split()[1]
    except OSError:  # a system that does not count it
        return os.getloadavg()[0] >= (os.cpu_count() or 1)
    return float(some.removeprefix("avg10=")) >= _PRESSURE


def _last_core(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[_CORE])
