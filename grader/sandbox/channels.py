"""The trusted end of a kernel's channels, with a bound on what it takes in.

A hostile kernel can send without end, or announce a message of any size. Both ends of that are
bounded here: libzmq refuses a single huge message before it allocates, and everything that
arrives is counted; the first byte over the limit condemns the kernel.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import zmq
from jupyter_client.channels import AsyncZMQSocketChannel, ZMQSocketChannel
from jupyter_client.manager import KernelManager
from traitlets import Type, default

# An honest message somewhat over the limit should arrive, so that it is counted and reported.
MESSAGE_ALLOWANCE = 64 * 2**20


class OutputCounter:
    """Adds up what a kernel sends and reports once when it is too much.

    Args:
        limit: bytes of messages on all channels, headers included.
        on_excess: called once, from the thread that receives.
    """

    def __init__(self, limit: int, on_excess: Callable[[], None]) -> None:
        self.limit = limit
        self.total = 0
        self._on_excess = on_excess
        self._lock = threading.Lock()

    def add(self, message: list[Any]) -> None:
        """Count one multipart message."""
        with self._lock:
            before = self.total
            self.total += sum(map(len, message))
        if before <= self.limit < self.total:
            self._on_excess()


def bound_client(manager: KernelManager, counter: OutputCounter) -> None:
    """Make every client that `manager` gives out from now on count into `counter`."""

    class Counted(ZMQSocketChannel):
        def _recv(self, **options: Any) -> dict[str, Any]:
            assert self.socket is not None  # noqa: S101 -- narrows the type, as the parent does
            message = self.socket.recv_multipart(**options)
            counter.add(message)
            _, parts = self.session.feed_identities(message)
            return self.session.deserialize(parts)

    class AsyncCounted(AsyncZMQSocketChannel):
        async def _recv(self, **options: Any) -> dict[str, Any]:  # type: ignore[override]
            # the ignore above: its parent overrides a plain method with a coroutine too
            assert self.socket is not None  # noqa: S101 -- narrows the type, as the parent does
            message = await self.socket.recv_multipart(**options)
            counter.add(message)
            _, parts = self.session.feed_identities(message)
            return self.session.deserialize(parts)

    base: Any = manager.client_factory
    asynchronous = issubclass(base.iopub_channel_class.klass, AsyncZMQSocketChannel)
    channel = AsyncCounted if asynchronous else Counted

    class BoundedClient(base):
        shell_channel_class = Type(channel)
        iopub_channel_class = Type(channel)
        stdin_channel_class = Type(channel)
        control_channel_class = Type(channel)

        @default("context")
        def _bounded_context(self) -> zmq.Context[Any]:
            context: zmq.Context[Any] = super()._context_default()
            context.setsockopt(zmq.MAXMSGSIZE, MESSAGE_ALLOWANCE + counter.limit)
            return context

    manager.client_factory = BoundedClient
