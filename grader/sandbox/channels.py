"""The trusted end of a kernel's channels, with a bound on what it takes in.

A hostile kernel can send without end, or announce a message of any size, also on channels that
nobody reads, where messages pile up in this process. So libzmq refuses a huge message before it
allocates and takes in few messages ahead of the reader; and everything that is read is counted:
the first byte over the limit condemns the kernel.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import zmq
from jupyter_client.channels import AsyncZMQSocketChannel, ZMQSocketChannel
from jupyter_client.manager import KernelManager
from traitlets import Type, default

# An honest message over the limit should arrive, so that it is counted and reported.
MESSAGE_ALLOWANCE = 16 * 2**20  # bytes
SMALL_MESSAGE = 2**20  # bytes, for channels that carry no output
READ_AHEAD = {"iopub": 200, "shell": 20}  # messages
SMALL_READ_AHEAD = 20  # messages


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


def _make_socket(owner: Any, channel: str, limit: int, create: Callable[[], Any]) -> Any:
    """Create a socket of `owner` for `channel` under bounds, which hold from before it connects.

    pyzmq passes a context's defaults on to each new socket; all others get the small ones.
    """
    context = owner.context
    if channel in READ_AHEAD:
        context.setsockopt(zmq.MAXMSGSIZE, MESSAGE_ALLOWANCE + limit)
        context.setsockopt(zmq.RCVHWM, READ_AHEAD[channel])
    try:
        return create()
    finally:
        _bound_context(context)


def _bound_context(context: zmq.Context[Any]) -> None:
    context.setsockopt(zmq.MAXMSGSIZE, SMALL_MESSAGE)
    context.setsockopt(zmq.RCVHWM, SMALL_READ_AHEAD)


def bound_channels(manager: KernelManager, counter: OutputCounter) -> None:
    """Bound the sockets of `manager` and of every client that it gives out from now on.

    What the clients receive goes into `counter`.
    """
    create = manager._create_connected_socket
    _bound_context(manager.context)

    def create_bounded(channel: str, identity: bytes | None = None) -> Any:
        return _make_socket(manager, channel, counter.limit, lambda: create(channel, identity))

    manager._create_connected_socket = create_bounded  # type: ignore[method-assign]  # one instance

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
            _bound_context(context)
            return context

        def _create_connected_socket(self, channel: str, identity: bytes | None = None) -> Any:
            plain = super()._create_connected_socket
            return _make_socket(self, channel, counter.limit, lambda: plain(channel, identity))

    manager.client_factory = BoundedClient
