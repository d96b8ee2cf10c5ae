"""Takes its orders, sets limits on itself, becomes an IPython kernel.

It says hello on its control socket, by which the trusted side learns its process id and has time
to bound its memory; then it reads one JSON object:

    key, signature_scheme, ip   connection parameters of the kernel
    listeners                   {port: descriptor} of listening Unix sockets, bound outside
    rlimits                     {name of a resource: limit}
    largest_message             bytes

Nothing of a submission runs before that object has arrived whole, so a grader that dies in
between leaves nothing behind.
"""

from __future__ import annotations

import functools
import json
import os
import resource
import signal
import socket
import sys
from typing import Any

CHUNK = 2**18  # characters


def receive_orders(descriptor: int) -> dict[str, Any]:
    """Say hello and read the orders; exits if the trusted side is gone."""
    with socket.socket(fileno=descriptor) as control:
        control.sendall(b"hello")
        text = b"".join(iter(lambda: control.recv(65536), b""))
    if not text:
        sys.exit("the grader went away")
    orders: dict[str, Any] = json.loads(text)
    return orders


def set_limits(limits: dict[str, int]) -> None:
    """Lower each resource limit for good, never above what is already in force."""
    for name, limit in limits.items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY:
            limit = min(limit, hard)
        resource.setrlimit(kind, (limit, limit))


def hold_back_output() -> None:
    """Make a cell that prints wait until what it printed before is on its way.

    ipykernel keeps printed text in memory and sends it later. A fast loop fills gigabytes that
    way, and dies of its memory before the other side can count its output.
    """
    from ipykernel.iostream import OutStream

    write = OutStream.write

    def write_in_chunks(stream: Any, text: str) -> int:
        if not isinstance(text, str):
            return int(write(stream, text))  # raises what it always raised
        for start in range(0, len(text), CHUNK):
            part = text[start : start + CHUNK]
            write(stream, part)
            stream.unsent = getattr(stream, "unsent", 0) + len(part)
            if stream.unsent >= CHUNK:
                stream.unsent = 0
                stream.flush()
        return len(text)

    # replaced on purpose
    OutStream.write = write_in_chunks  # type: ignore[method-assign,assignment]


def refuse_huge_messages(largest: int) -> None:
    """Turn an output that the other side would not take in into an error of the cell."""
    from jupyter_client.session import Session

    serialize = Session.serialize

    def serialize_if_small(session: Any, *arguments: Any, **options: Any) -> list[bytes]:
        parts = serialize(session, *arguments, **options)
        size = sum(map(len, parts))
        if size > largest:
            limit = largest // 2**20
            raise ValueError(f"one output of {size // 2**20} MiB; at most {limit} MiB are taken in")
        return parts

    # replaced on purpose
    Session.serialize = serialize_if_small  # type: ignore[method-assign,assignment]


@functools.cache
def prepare_kernel() -> Any:
    """Import ipykernel and make the class of a kernel whose sockets are bound already.

    Called by a zygote too, before it forks: it starts no thread and opens no socket.
    """
    import zmq
    from ipykernel.heartbeat import Heartbeat
    from ipykernel.kernelapp import IPKernelApp

    listeners: dict[int, int] = {}

    def listen(bound: Any, ip: str, port: int) -> int:
        bound.setsockopt(zmq.USE_FD, listeners[port])
        bound.bind(f"ipc://{ip}-{port}")
        return port

    class Beat(Heartbeat):
        def _try_bind_socket(self) -> None:
            listen(self.socket, self.ip, self.port)

    class Kernel(IPKernelApp):
        given = listeners

        def _try_bind_socket(self, s: Any, port: int) -> int:
            return listen(s, self.ip, port)

        def parse_command_line(self, argv: Any = None) -> None:
            """There is none, and a parser of all its options takes time to make."""

        def init_connection_file(self) -> None:
            """There is none: the orders carry the connection."""

        def write_connection_file(self, **_: Any) -> None:
            """Nobody inside needs one."""

        def init_control(self, context: Any) -> None:
            super().init_control(context)  # type: ignore[no-untyped-call]  # untyped ipykernel
            # the debugger's own way to the shell socket is a path that exists only outside
            self.debug_shell_socket.disconnect(self.shell_socket.getsockopt(zmq.LAST_ENDPOINT))

        def init_iopub(self, context: Any) -> None:
            # output that is not yet taken waits in here; by default libzmq would drop some of it
            context.setsockopt(zmq.SNDHWM, 0)
            super().init_iopub(context)  # type: ignore[no-untyped-call]  # untyped ipykernel

        def init_heartbeat(self) -> None:
            address = (self.transport, self.ip, self.hb_port)
            self.heartbeat = Beat(zmq.Context(), address)  # type: ignore[no-untyped-call]
            self.heartbeat.start()

    hold_back_output()
    return Kernel


def run_kernel(orders: dict[str, Any]) -> None:
    """Start ipykernel on the given listening sockets; returns when the kernel is shut down."""
    from traitlets.config import Config

    kernel = prepare_kernel()
    kernel.given.update((int(port), number) for port, number in orders["listeners"].items())
    refuse_huge_messages(orders["largest_message"])
    config = Config()
    config.Session.key = orders["key"].encode()
    config.Session.signature_scheme = orders["signature_scheme"]
    config.HistoryManager.enabled = False
    config.IPKernelApp.log_level = 50
    for name, port in zip(("shell", "iopub", "stdin", "control", "hb"), kernel.given, strict=True):
        config.IPKernelApp[f"{name}_port"] = port
    config.IPKernelApp.transport = "ipc"
    config.IPKernelApp.ip = orders["ip"]
    config.IPKernelApp.connection_file = "kernel.json"
    kernel.launch_instance(argv=[], config=config)


def begin(control: int) -> None:
    """Take orders from this descriptor and become a kernel."""
    orders = receive_orders(control)
    os.setpgid(0, 0)
    set_limits(orders["rlimits"])
    run_kernel(orders)


def main() -> None:
    """A cold start; the one argument is the number of the control socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ipykernel sets its own when it runs a cell
    del sys.path[0]  # this package's folder; the kernel puts the work folder there
    begin(int(sys.argv[1]))
