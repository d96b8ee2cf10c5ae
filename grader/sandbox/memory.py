"""Ways to know, and where possible to bound, the memory that a whole sandbox uses.

Per-process limits do not add up: a sandbox may start many processes, and files in its tmpfs
are memory too. A cgroup counts everything and its limit is enforced by the kernel. Where none
can be made, the processes are measured from outside at short intervals.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import psutil

CGROUPS = Path("/sys/fs/cgroup")
PREFIX = "grader"
_numbers = itertools.count()


class MemoryMeter(Protocol):
    """Measures one sandbox, from before its first instruction to after its last."""

    name: str

    def attach(self, pids: Iterable[int]) -> None:
        """Take in processes; what they start later is counted by itself."""

    def members(self) -> list[int]:
        """Process ids of what is counted, where the system keeps a list that nobody escapes."""

    def usage(self) -> int:
        """Bytes in use now: private memory, shared memory and files in tmpfs."""

    def exceeded(self) -> bool:
        """Whether the limit was hit."""

    def close(self) -> None:
        """Leave nothing behind; the processes are gone."""


class CgroupMeter:
    """A cgroup with a memory limit, of either version, and with it an equal share of processors.

    Without the share, a sandbox that starts sixty processes gets sixty times what its neighbour
    gets, whose tests then run out of time.

    Args:
        parent: an existing cgroup in which children with a memory controller can be made.
        version: 1 or 2.
        limit: bytes; the kernel reclaims, then kills, when the sandbox needs more.

    Raises:
        OSError: no child can be made there.
    """

    def __init__(self, parent: Path, version: int, limit: int) -> None:
        self.name = f"cgroup v{version}"
        self._version = version
        self._path = parent / f"{PREFIX}-{os.getpid()}-{next(_numbers)}"
        _sweep(parent)
        self._path.mkdir()
        # version 2 has one tree for all: this cgroup has the share as well
        self._share = None if version == 2 else _make_share(self._path.name)
        try:
            if version == 2:
                self._write("memory.max", limit)
                self._write("memory.swap.max", 0, optional=True)
                self._write("memory.oom.group", 1, optional=True)
            else:
                self._write("memory.limit_in_bytes", limit)
                self._write("memory.memsw.limit_in_bytes", limit, optional=True)
        except OSError:
            self.close()
            raise

    def _write(self, name: str, value: int, *, optional: bool = False) -> None:
        if not optional or (self._path / name).exists():
            (self._path / name).write_text(str(value))

    def attach(self, pids: Iterable[int]) -> None:
        """Move processes in; raises OSError where that is not allowed."""
        for pid in pids:
            self._write("cgroup.procs", pid)
            if self._share is not None:
                (self._share / "cgroup.procs").write_text(str(pid))

    def members(self) -> list[int]:
        """Process ids of everything in the cgroup."""
        return [int(pid) for pid in _read(self._path / "cgroup.procs").split()]

    def usage(self) -> int:
        """Anonymous and shared memory; cached pages of files on disk do not count."""
        statistics = _read_table(self._path / "memory.stat")
        if self._version == 2:
            return statistics.get("anon", 0) + statistics.get("shmem", 0)
        return statistics.get("total_rss", 0) + statistics.get("total_shmem", 0)

    def exceeded(self) -> bool:
        """Whether the kernel killed something in here for want of memory."""
        events = "memory.events" if self._version == 2 else "memory.oom_control"
        return _read_table(self._path / events).get("oom_kill", 0) > 0

    def close(self) -> None:
        """Remove the cgroup; the last process may still be leaving it for a moment."""
        for path in filter(None, (self._path, self._share)):
            _remove(path)


def _make_share(name: str) -> Path | None:
    """A cgroup of version 1 for processors, all of which have equal shares; None without one."""
    own = _own_cgroup("cpu")
    if own is None:
        return None
    with contextlib.suppress(OSError):
        _sweep(own)
        (own / name).mkdir()
        return own / name
    return None


def _remove(path: Path) -> None:
    """Remove a cgroup that its last process may still be leaving."""
    for _ in range(100):
        try:
            path.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.01)
        else:
            return


class PollingMeter:
    """Adds up the processes from outside, where no cgroup can be made.

    The sum of resident sizes counts shared pages once for each process; only when that sum is
    over the limit are the proportional sizes read, which is slower.

    Args:
        limit: bytes.
        family: the sandbox's processes at this moment.
        folders: tmpfs folders of the sandbox as seen from outside; what they hold is memory.
    """

    name = "polling"

    def __init__(
        self,
        limit: int,
        family: Callable[[], list[psutil.Process]],
        folders: Callable[[], Iterable[Path]] = tuple,
    ) -> None:
        self._limit = limit
        self._family = family
        self._folders = folders
        self._over = False

    def attach(self, pids: Iterable[int]) -> None:
        """Nothing to do: the family is asked for each time."""

    def members(self) -> list[int]:
        """None: there is no such list here."""
        return []

    def usage(self) -> int:
        """Resident memory of all processes and the contents of the tmpfs folders."""
        files = sum(map(_tmpfs_usage, self._folders()))
        family = self._family()
        total = files + sum(map(_resident, family))
        if total > self._limit:
            total = files + sum(map(_proportional, family))
        self._over = self._over or total > self._limit
        return total

    def exceeded(self) -> bool:
        """Whether a measurement was over the limit."""
        return self._over

    def close(self) -> None:
        """Nothing to do."""


def find_cgroup() -> tuple[Path, int] | None:
    """A cgroup in which this process may make children with a memory limit, and its version.

    The search starts at the process's own cgroup and so never leaves what was given to it.
    """
    memberships = [line.split(":", 2) for line in _read(Path("/proc/self/cgroup")).splitlines()]
    for _, controllers, path in memberships:
        if controllers == "":
            for root in (CGROUPS, CGROUPS / "unified"):
                own = root / path.strip("/")
                # a cgroup with processes in it has no room for controlled children in version 2
                for parent in (own, own.parent):
                    enabled = _read(parent / "cgroup.subtree_control").split()
                    if "memory" in enabled and os.access(parent / "cgroup.procs", os.W_OK):
                        if "cpu" not in enabled:
                            with contextlib.suppress(OSError):
                                (parent / "cgroup.subtree_control").write_text("+cpu")
                        return parent, 2
    first = _own_cgroup("memory")
    return None if first is None else (first, 1)


def _own_cgroup(controller: str) -> Path | None:
    """This process's cgroup of version 1 for a controller, where it may make children there."""
    for line in _read(Path("/proc/self/cgroup")).splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            root = CGROUPS / controller
            own = root / path.strip("/")
            # in a container the mount starts at the container's own cgroup
            own = own if own.is_dir() else root
            return own if os.access(own / "cgroup.procs", os.W_OK) else None
    return None


@functools.cache
def usable_cgroup() -> tuple[Path, int] | None:
    """`find_cgroup`, tried once for real: a process that only sleeps is bounded and moved."""
    found = find_cgroup()
    if found is None:
        return None
    with contextlib.ExitStack() as stack:
        try:
            meter = CgroupMeter(*found, 2**30)
            stack.callback(meter.close)
            sleeper = subprocess.Popen(["/bin/sleep", "10"], stdin=subprocess.DEVNULL)
            stack.callback(sleeper.wait)
            stack.callback(sleeper.kill)
            meter.attach([sleeper.pid])
        except OSError:
            return None
    return found


def make_meter(
    limit: int,
    family: Callable[[], list[psutil.Process]],
    folders: Callable[[], Iterable[Path]] = tuple,
) -> MemoryMeter:
    """The strongest meter that this machine allows."""
    found = usable_cgroup()
    if found is not None:
        return CgroupMeter(*found, limit)
    return PollingMeter(limit, family, folders)


def _sweep(parent: Path) -> None:
    """Remove what a grader that was killed left behind."""
    for path in parent.glob(f"{PREFIX}-*-*"):
        owner = path.name.split("-")[1]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            with contextlib.suppress(OSError):
                path.rmdir()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _read_table(path: Path) -> dict[str, int]:
    rows = (line.split() for line in _read(path).splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdecimal()}


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _proportional(process: psutil.Process) -> int:
    """Proportional set size; the resident size where a process refuses to be looked at."""
    try:
        details = process.memory_full_info()
        return int(getattr(details, "pss", details.uss))
    except psutil.Error:
        return _resident(process)


def _tmpfs_usage(folder: Path) -> int:
    try:
        status = os.statvfs(folder)
    except OSError:
        return 0
    used = (status.f_blocks - status.f_bfree) * status.f_frsize
    return used + (status.f_files - status.f_ffree) * 1024  # each file costs kernel memory too
