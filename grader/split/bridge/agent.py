"""The answer kernel's end: serves the test kernel on the main thread, between two cells.

There SIGINT ends a student's loop as Ctrl-C would, and what the student's code prints or warns of
while it serves goes back with the reply. Nothing here protects the answer kernel from the
submission, which may change all of it: the other end believes no byte.
"""

from __future__ import annotations

import asyncio
import io
import os
import socket
import stat
import sys
import time
import warnings

# what `signal` wraps: the wrappers make a text of every handler, which takes as long as a message
from _signal import SIGINT, getsignal  # type: ignore[import-not-found]  # it is in CPython
from _signal import signal as set_handler
from typing import Any

from .changes import become
from .crossing import FILES_TOTAL, Crossing
from .files import may_pass
from .peer import Peer
from .serving import Operations
from .shell import leave_python_alone
from .wire import Channel

PRINTED = 2**20  # characters kept of what one call prints
_SETTLED = 10**8  # nanoseconds


class _Printed(io.TextIOBase):
    """Collects what is printed, up to a bound."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._left = PRINTED

    def write(self, text: str) -> int:
        """As of a stream."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        part = text[: self._left]
        self._left -= len(part)
        if part:
            self._parts.append(part)
        return len(text)

    def writable(self) -> bool:
        """As of a stream."""
        return True

    def take(self) -> str:
        """What was printed since."""
        text = "".join(self._parts)
        self._parts.clear()
        return text


class AgentCrossing(Crossing):
    """Sends along what was printed and what files were written; takes in the state of generators.

    Attributes:
        instructors: names of files that the test kernel has of its own.
        asked: names that this cell has asked for, and what they stood for.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        super().__init__(namespace, trusts=True, shared=set())
        self.out, self.err = _Printed(), _Printed()
        self.warned: list[warnings.WarningMessage] = []
        self.instructors: frozenset[str] = frozenset()
        self.asked: dict[str, Any] = {}
        self._sent: dict[str, tuple[int, int]] = {}
        self._folder = 0  # when it last changed, in nanoseconds
        self._names: list[str] = []  # that it holds and that may pass

    def notes(self) -> Any:
        """What a reply or question carries besides."""
        out, err = self.out.take(), self.err.take()
        warned = [(found.category.__name__, str(found.message)) for found in self.warned]
        self.warned.clear()
        files = self._new_files()
        changed = [(*place, value) for place, value in self.lent.changed()]
        rebound = [
            name
            for name, value in self.asked.items()
            if self.namespace.get(name, self) is not value
        ]
        for name in rebound:
            del self.asked[name]
        found = (out, err, warned, files, changed, rebound)
        return found if any(found) else None

    def _new_files(self) -> list[tuple[str, bytes]]:
        """Files of the work folder that were written since they were last sent."""
        found, left = [], FILES_TOTAL
        try:
            for name in self._listed():
                status = os.stat(name, follow_symlinks=False)
                now = (status.st_mtime_ns, status.st_size)
                fresh = stat.S_ISREG(status.st_mode) and self._sent.get(name) != now
                if fresh and name not in self.instructors and status.st_size <= left:
                    with open(name, "rb") as file:
                        found.append((name, file.read(left)))
                    left -= status.st_size
                    self._sent[name] = now
        except OSError:
            pass
        return found

    def _listed(self) -> list[str]:
        """Names in the work folder; it is read again where it may have changed since."""
        changed = os.stat(".").st_mtime_ns
        if changed != self._folder:
            self._names = [name for name in os.listdir(".") if may_pass(name)]
            # the clock of a file system may stand still for some milliseconds
            settled = time.time_ns() - changed > _SETTLED
            self._folder = changed if settled else 0
        return self._names

    def read_notes(self, notes: Any) -> None:
        """Take over the state of random generators, and what was done to copies of our values."""
        states, changed = notes
        for owner, name, value in changed:
            now = self.namespace.get(name) if owner is None else getattr(owner, name, None)
            if type(now) is type(value):
                become(now, value)
        for library, state in states:
            if library == "random":
                sys.modules["random"].setstate((state[0], tuple(state[1]), state[2]))
            elif library == "numpy":
                __import__("numpy").random.set_state(state)
            else:
                torch = __import__("torch")
                torch.set_rng_state(torch.from_numpy(state.copy()))


class Agent:
    """Serves one test kernel.

    Args:
        channel: to it.
        namespace: the notebook's names.
    """

    def __init__(self, channel: Channel, namespace: dict[str, Any]) -> None:
        self.namespace = namespace
        self.crossing = AgentCrossing(namespace)
        handlers = Operations(self.crossing).handlers()
        handlers |= {
            "begin": self.begin,
            "name": self.name,
            "has": lambda name: name in self.namespace,
            "figures": self.figures,
            "beside": self.beside,
        }
        self.peer = Peer(channel, self.crossing, handlers)
        self.crossing.connect(self.peer)
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(channel.fileno(), self.serve)

    def begin(self, shared: list[str], files: list[str]) -> None:
        """A new test cell begins, before which figures of the last one go, as after any cell."""
        self.crossing.shared = set(shared)
        self.crossing.instructors = frozenset(files)
        self.crossing.lent.clear()
        self.crossing.lasting.clear()
        self.crossing.asked.clear()
        if "torch" in sys.modules:
            self.crossing.tensors.forget()
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None:
            pyplot.close("all")

    def name(self, name: str) -> Any:
        """The value of one of the notebook's names, in a tuple; an empty one for no such name."""
        if name not in self.namespace:
            return ()
        self.crossing.asked[name] = self.namespace[name]
        return (self.namespace[name],)

    def beside(self, helper: str, function: Any, arguments: Any, options: Any, rest: Any) -> Any:
        """Have a function of the instructor's given cells call one of the student's.

        What it says of the call is the student's word: it can cost points and earn none.
        """
        return self.namespace[helper](function, arguments, options, *rest)

    def figures(self, what: str) -> Any:
        """The current figure or axes of pyplot, in a tuple; an empty one where there is none."""
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None or not pyplot.get_fignums():
            return ()
        return (pyplot.gcf() if what == "gcf" else pyplot.gca(),)

    def serve(self) -> None:
        """Called by the kernel's event loop when a question has arrived."""
        streams, handler = (sys.stdout, sys.stderr), getsignal(SIGINT)
        self.peer.interrupted = self.peer.struck = False
        try:
            header, buffers = self._channel.receive()
            sys.stdout, sys.stderr = self.crossing.out, self.crossing.err
            set_handler(SIGINT, self._interrupt)
            with warnings.catch_warnings(record=True) as self.crossing.warned:
                warnings.simplefilter("always")
                self.peer.serve(header, buffers)
        except BaseException:  # whatever it was, a reply is missing now
            self.stop()
        finally:
            set_handler(SIGINT, handler)
            sys.stdout, sys.stderr = streams
        if self._channel.pending:  # no event will tell of what has been read already
            self._loop.call_soon(self.serve)

    def _interrupt(self, _number: int, _frame: Any) -> None:
        """End the student's code, but never in the middle of a frame."""
        self.peer.struck = True
        if self.peer.protected:
            self.peer.interrupted = True
        else:
            raise KeyboardInterrupt

    def stop(self) -> None:
        """Serve no more."""
        if self._channel.fileno() >= 0:
            self._loop.remove_reader(self._channel.fileno())
        self._channel.close()


def start(descriptor: int, shell: Any) -> Agent:
    """Serve the socket of this number from now on."""
    leave_python_alone(shell)
    return Agent(Channel(socket.socket(fileno=descriptor)), shell.user_ns)
