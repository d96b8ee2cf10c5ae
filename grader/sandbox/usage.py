"""What processes have used: time on processors, memory on graphics cards.

CPU time is user and system time together, as sysstat's `pidstat -u` counts it. The system's own
clock of each process is read, which is exact where `/proc` counts in hundredths of a second.
"""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Iterable
from typing import Any

import psutil

_AFTER_NAME = 13
"""Where the times of children stand in /proc/PID/stat, counted behind the process's name."""
_SCHEDULER_CLOCK = 2


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time of these processes, and of children of theirs that have ended."""
    return sum(map(_cpu_seconds, set(pids)))


def _cpu_seconds(pid: int) -> float:
    try:
        # the clock of another process, as clock_getcpuclockid(3) gives it, which Python lacks
        own = time.clock_gettime((~pid << 3) | _SCHEDULER_CLOCK)
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            fields = file.read().rpartition(b")")[2].split()
    except (OSError, AttributeError):
        return _cpu_seconds_elsewhere(pid)
    children = int(fields[_AFTER_NAME]) + int(fields[_AFTER_NAME + 1])
    return own + children / os.sysconf("SC_CLK_TCK")


def _cpu_seconds_elsewhere(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return sum(getattr(times, name, 0.0) for name in _TIMES)


_TIMES = ("user", "system", "children_user", "children_system")


def gpu_memory(pids: Iterable[int]) -> int:
    """Bytes that these processes hold on all NVIDIA cards; 0 where that cannot be known."""
    library = _nvml()
    if library is None:
        return 0
    wanted = set(pids)
    total = 0
    with contextlib.suppress(library.NVMLError):
        for number in range(library.nvmlDeviceGetCount()):
            card = library.nvmlDeviceGetHandleByIndex(number)
            for process in library.nvmlDeviceGetComputeRunningProcesses(card):
                if process.pid in wanted:
                    total += process.usedGpuMemory or 0
    return total


@functools.cache
def _nvml() -> Any:
    """NVIDIA's management library, or None where there is none or no card."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # without a driver its own loader fails in several ways
        return None
    return pynvml
