"""Ctrl-C, heard where it does no harm."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from distributed.utils import LoopRunner

_PATIENCE = 3
"""Ctrl-C pressed this often stops a run wherever it is."""


@contextmanager
def interrupts_noted() -> Iterator[Callable[[], bool]]:
    """Ctrl-C only sets a flag, which the loop of a run reads between two submissions.

    As an exception it could come up anywhere: in a destructor of Dask's, where it is lost, or
    while a score is half written.

    Yields:
        Whether Ctrl-C was pressed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False  # the main thread alone hears Ctrl-C
        return
    pressed = 0

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed += 1
        if pressed >= _PATIENCE:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: pressed > 0
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def interrupts_ignored() -> Iterator[None]:
    """Tidying up takes seconds, and a second Ctrl-C must not leave workers behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def loop_deaf_to_interrupts() -> Iterator[Any]:
    """Dask's event loop in a thread where Ctrl-C is blocked, which workers inherit from it.

    A terminal sends Ctrl-C to all processes at once. This one stops the workers in order, while
    a worker that heard it would print a traceback. `grader.farm.worker` goes on from there.
    """
    runner = LoopRunner(asynchronous=False)
    if hasattr(signal, "pthread_sigmask"):
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            runner.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    else:
        runner.start()
    try:
        yield runner.loop
    finally:
        runner.stop()
