"""Loaded by Dask into every worker before its first task.

`dask worker ADDRESS --preload grader.farm.worker` does it on a cluster.
"""

from __future__ import annotations

import gc
import signal
from typing import Any

import dask

from grader.farm.device import use_card


def dask_setup(worker: Any) -> None:
    """Ignore Ctrl-C, which was blocked while the worker started, and take a graphics card.

    Ctrl-C must not stay blocked: kernels would inherit that, and could not be interrupted.
    """
    gc.collect()
    gc.freeze()  # what was imported stays, and is not looked through again and again
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    cards = dask.config.get("grader.cards", [])
    if cards:
        use_card(int(worker.name), cards)
