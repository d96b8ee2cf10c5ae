"""Work that must not be noticed, whatever it does: in a process of its own, for a bounded time.

A wrong answer of a catalogue may hang, crash or change something. It ends with the child that ran
it, and the kernel goes on as it was.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import select
import signal
import time
import warnings
from collections.abc import Callable, Iterator

_MEMORY = 2**30  # bytes that the child may take more than its parent has
_ANSWER = 2**16  # bytes of what it says


def in_child(work: Callable[[], Iterator[str]], seconds: float) -> list[str]:
    """What `work` yields in a child process, as far as it comes.

    Args:
        work: prints and warns of nothing that anybody sees.
        seconds: for each text that it yields.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads, which the child does not use
        child = os.fork()
    if child == 0:
        _be_child(work, writing)
    os.close(writing)
    try:
        return list(_read(reading, seconds))
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _be_child(work: Callable[[], Iterator[str]], writing: int) -> None:
    """Do the work, say what comes of it, and end without a trace."""
    try:
        signal.set_wakeup_fd(-1)  # it is shared with the kernel
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        with contextlib.suppress(OSError, ValueError):
            with open("/proc/self/statm", encoding="ascii") as file:
                pages = int(file.read().split()[0])
            most = pages * resource.getpagesize() + _MEMORY
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            for text in work():
                os.write(writing, json.dumps(text).encode() + b"\n")
    finally:
        os._exit(0)


def _read(descriptor: int, seconds: float) -> Iterator[str]:
    said, size = b"", 0
    deadline = time.monotonic() + seconds
    while size < _ANSWER:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            return
        part = os.read(descriptor, _ANSWER)
        if not part:
            return
        size += len(part)
        *lines, said = (said + part).split(b"\n")
        for line in lines:
            yield str(json.loads(line))
            deadline = time.monotonic() + seconds
