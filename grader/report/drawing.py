"""Draws feedback pages in a process of their own, within limits of time and memory.

Highlighting, Markdown and HTML are read by libraries that trust their input: some take hours or
gigabytes for a few kilobytes written for the purpose. Whatever one page does to them, the pages
of the others are written.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import select
import struct
import subprocess
import sys
import threading
import time
from typing import IO, Any

from grader.report.feedback import render_feedback
from grader.report.model import GradedNotebook, GradedSubmission

SECONDS = 20.0
"""Wall time for one page; an ordinary one takes a hundredth of a second."""

MEMORY = 2 * 2**30
"""Bytes of address space for all that draws a page."""

PAGE_CAP = 64 * 2**20
"""Bytes of one page."""

_LENGTH = struct.Struct("!q")
_FAILED = -1


class Drawer:
    """Owns the process, and starts it again where a page was its end.

    Args:
        seconds: wall time for one page.
        memory: bytes of address space.
    """

    def __init__(self, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self.seconds = seconds
        self._memory = memory
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        os.register_at_fork(after_in_child=self._forget)
        atexit.register(self.close)

    def draw(
        self, submission: GradedSubmission, notebook: GradedNotebook, *, show_messages: bool
    ) -> str | None:
        """The page as `render_feedback` makes it, or None where it cannot be had within limits."""
        request = pickle.dumps((submission, notebook, show_messages))
        with self._lock:
            process = self._process or self._start()
            try:
                return self._ask(process, request)
            except (OSError, EOFError, TimeoutError):
                self._end()
                return None

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _ask(self, process: subprocess.Popen[bytes], request: bytes) -> str | None:
        assert process.stdin is not None  # noqa: S101  (mypy: it was opened as a pipe)
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(_LENGTH.pack(len(request)) + request)
        process.stdin.flush()
        give_up = time.monotonic() + self.seconds
        [length] = _LENGTH.unpack(_receive(process.stdout, _LENGTH.size, give_up))
        if length == _FAILED:
            return None
        if not 0 <= length <= PAGE_CAP:
            raise EOFError
        return _receive(process.stdout, length, give_up).decode("utf-8", "replace")

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "grader.report.drawing", str(self._memory)]
        streams: dict[str, Any] = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL, bufsize=0, **streams)
        assert self._process.stdout is not None  # noqa: S101  (mypy: it was opened as a pipe)
        # imports take a second or more, and are no page's fault
        self._process.stdout.read(1)
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _forget(self) -> None:
        """A forked process must not speak to its parent's."""
        self._lock = threading.Lock()
        self._process = None


drawer = Drawer()
"""Of this process."""


def _receive(stream: IO[bytes], size: int, give_up: float) -> bytes:
    """Exactly `size` bytes; raises TimeoutError, or EOFError where the other side is gone."""
    received = bytearray()
    while len(received) < size:
        left = give_up - time.monotonic()
        if left <= 0 or not select.select([stream], [], [], left)[0]:
            raise TimeoutError
        some = os.read(stream.fileno(), min(size - len(received), 2**20))
        if not some:
            raise EOFError
        received += some
    return bytes(received)


def _serve(memory: int) -> None:
    """Answer requests until there are no more; what a page prints by mistake goes nowhere."""
    replies = os.fdopen(os.dup(1), "wb")
    requests = os.fdopen(os.dup(0), "rb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(nowhere, number)
    with contextlib.suppress(ImportError, ValueError, OSError):  # a system without such limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    replies.write(b"+")
    replies.flush()
    while header := requests.read(_LENGTH.size):
        submission, notebook, show = pickle.loads(requests.read(*_LENGTH.unpack(header)))  # noqa: S301  (our own parent's)
        try:
            page = render_feedback(submission, notebook, show_messages=show).encode("utf-8")
            replies.write(_LENGTH.pack(len(page)) + page)
        except Exception:  # hostile content: whatever a library makes of it
            replies.write(_LENGTH.pack(_FAILED))
        replies.flush()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
