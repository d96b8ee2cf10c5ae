"""Both ends of the conversation in one process: the student's in a thread, the test's here."""

from __future__ import annotations

import contextlib
import socket
import textwrap
import threading
from collections.abc import Callable, Iterator
from typing import Any

from grader.split.bridge.crossing import Crossing
from grader.split.bridge.errors import AnswerGone
from grader.split.bridge.mirror import RemoteMeta
from grader.split.bridge.peer import Peer
from grader.split.bridge.serving import GuardedOperations, Operations
from grader.split.bridge.wire import Channel, ChannelClosed, WireError

EXTRAS: list[Any] = [[], [], None, True, None]
"""What goes with every message of one who has nothing more to say; see `Crossing.outgoing`."""


def extras(**parts: Any) -> list[Any]:
    """Extras with some of their parts in place of the usual ones."""
    names = ("dropped", "shared", "lasting", "gradients", "notes")
    return [parts.get(name, usual) for name, usual in zip(names, EXTRAS, strict=True)]


class Pair:
    """A student's names behind one socket pair, and what a test makes of them.

    Attributes:
        student: names of the answer side.
        test: names of the test side.
        tester: the peer that asks.
        agent: the peer that serves.
    """

    def __init__(
        self,
        ours: socket.socket,
        theirs: socket.socket,
        make: Callable[[dict[str, Any]], Crossing] | None = None,
    ) -> None:
        self.student: dict[str, Any] = {"__name__": "__main__"}
        self.test: dict[str, Any] = {"__name__": "__main__"}
        make = make or (lambda names: Crossing(names, trusts=False, shared=set()))
        self.crossing = make(self.test)
        self.tester = Peer(
            Channel(ours), self.crossing, GuardedOperations(self.crossing).handlers()
        )
        self.crossing.connect(self.tester)
        self.other = Crossing(self.student, trusts=True, shared=set())
        handlers = Operations(self.other).handlers() | {"name": lambda name: (self.student[name],)}
        self.agent = Peer(Channel(theirs), self.other, handlers)
        self.other.connect(self.agent)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def share(self, source: str) -> None:
        """Define the same on both sides, as an instructor's cell does."""
        before = set(self.student)
        for names in (self.student, self.test):
            exec(textwrap.dedent(source), names)
        shared = set(self.student) - before - {"__builtins__"}
        self.crossing.shared |= shared
        self.other.shared |= shared

    def write(self, source: str) -> None:
        """Run a cell of the student's."""
        exec(textwrap.dedent(source), self.student)

    def run(self, source: str) -> None:
        """Run a cell of the instructor's on the test side."""
        exec(textwrap.dedent(source), self.test)

    def __getitem__(self, name: str) -> Any:
        (found,) = self.tester.ask("name", name)
        if isinstance(found, RemoteMeta):
            type.__setattr__(found, "_asked_for", True)  # as `Tester` does with an expected class
        return found

    def close(self) -> None:
        """End the conversation."""
        with contextlib.suppress(OSError):
            self.tester.channel._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self.tester.channel.close()
        self.agent.channel.close()

    def _serve(self) -> None:
        try:
            while True:
                self.agent.serve(*self.agent.channel.receive())
        except (AnswerGone, ChannelClosed, WireError):
            self.agent.channel.close()


@contextlib.contextmanager
def pair(make: Callable[[dict[str, Any]], Crossing] | None = None) -> Iterator[Pair]:
    """Both ends, connected until the end of the block; `make` makes the test side's codec."""
    found = Pair(*socket.socketpair(), make)
    try:
        yield found
    finally:
        found.close()
