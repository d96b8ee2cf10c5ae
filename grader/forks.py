"""The process that workers on this machine are forked from; it imports while the command does.

A worker needs what takes a second and a half to import. One process does that for all of them, on
another core than the command, which imports the same meanwhile.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
from multiprocessing import forkserver

METHOD = "forkserver" if sys.platform == "linux" and sys.version_info >= (3, 11, 1) else "spawn"
"""How Dask makes worker processes (its `distributed.worker.multiprocessing-method`).

Python 3.11.0 lets every account of the machine speak to such a process (CVE-2022-42919).
"""
_IMPORTED = ["grader.farm.worker", "grader.farm.job"]


def import_early() -> None:
    """Start that process, unless it runs; returns at once."""
    if METHOD != "forkserver":
        return
    multiprocessing.get_context(METHOD).set_forkserver_preload(_IMPORTED)
    # workers inherit this: see `grader.farm.worker`
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
