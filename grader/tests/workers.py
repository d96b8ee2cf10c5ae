"""Finding the worker processes that a run on this machine has started."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import psutil

_SERVER = "multiprocessing.forkserver"


def workers_among(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those that were forked from the process that imports for all workers (`grader.forks`)."""
    found = []
    for process in processes:
        with suppress(psutil.Error):
            parent = process.parent()
            if parent is not None and _is_server(process) and _is_server(parent):
                found.append(process)
    return found


def _is_server(process: psutil.Process) -> bool:
    """Whether a process has the command line of that process, which its forks have too."""
    return any(_SERVER in part for part in process.cmdline())
