"""What `grader doctor` runs in a sandboxed kernel: it reports what it could see and do.

The text of this file is sent as a cell, so it imports nothing of the grader.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

CLONE_NEWUSER = 0x10000000


def goes_through(action: Callable[[], object]) -> bool:
    """Whether `action` works."""
    try:
        action()
    except OSError:
        return False
    return True


def write(path: str, size: int) -> None:
    """Write `size` bytes to a new file and remove it."""
    try:
        with open(path, "wb") as file:
            file.write(bytes(size))
    finally:
        if os.path.exists(path):
            os.remove(path)


def connect() -> None:
    """Try to reach an address that nobody has (RFC 5737)."""
    with socket.create_connection(("192.0.2.1", 80), timeout=1):
        pass


def count_processes(most: int) -> int:
    """How many further processes can be alive at once, tried up to `most`."""
    children: list[int] = []
    try:
        while len(children) < most:
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    except OSError:
        pass
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return len(children)


def probe(home: str, file_size: int, processes: int) -> dict[str, Any]:
    """Try everything; `home` is the folder of the person who grades, as seen outside."""
    with open("/proc/self/status") as file:
        status = dict(line.split(":\t", 1) for line in file if ":\t" in line)
    folders = ("/", "/usr", "/etc", "/dev", "/run", sys.prefix, sys.base_prefix)
    return {
        "interfaces": [name for _, name in socket.if_nameindex()],
        "connected": goes_through(connect),
        "home": os.listdir(home) if os.path.isdir(home) else [],
        "written": [path for path in folders if goes_through(partial(write, f"{path}/x", 0))],
        "processes": [name for name in os.listdir("/proc") if name.isdigit()],
        "uid": os.getuid(),
        "capabilities": int(status["CapEff"], 16) | int(status["CapBnd"], 16),
        "no_new_privileges": status["NoNewPrivs"].strip() == "1",
        "seccomp": status["Seccomp"].strip() == "2",
        "unshare_refused": ctypes.CDLL(None).unshare(CLONE_NEWUSER) == -1,
        "started": count_processes(processes),
        "file_refused": not goes_through(lambda: write("/tmp/x", file_size + 1)),  # noqa: S108
    }
