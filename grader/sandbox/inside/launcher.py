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
import logging
import os
import resource
import signal
import socket
import sys
import threading
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

    flush: Any = OutStream.flush

    def flush_if_any(stream: Any) -> None:
        # A kernel flushes four times a cell, and each time its two threads wait for each other.
        if stream._flush_pending or stream._subprocess_flush_pending:
            flush(stream)

    # replaced on purpose
    OutStream.write = write_in_chunks  # type: ignore[method-assign,assignment]
    OutStream.flush = flush_if_any  # type: ignore[method-assign]


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


def look_once_at_parameters() -> None:
    """Make ipykernel remember which parameters a shell's method has: it asks before each cell."""
    from ipykernel import ipkernel as module

    ipkernel: Any = module
    ask = ipkernel._accepts_parameters

    @functools.cache
    def remembered(method: Any, names: tuple[str, ...]) -> dict[str, bool]:
        return dict(ask(method, names))

    # replaced on purpose
    ipkernel._accepts_parameters = lambda method, names: remembered(method, tuple(names))


@functools.cache
def prepare_kernel() -> Any:
    """Make a kernel and its shell, as far as that takes no orders, thread or socket.

    Called by a zygote too, before it forks: IPython's and traitlets' constructors are half of what
    a start costs. Returns the application, which starts when it is given its orders.
    """
    import zmq
    from ipykernel.control import ControlThread
    from ipykernel.heartbeat import Heartbeat
    from ipykernel.ipkernel import IPythonKernel
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config
    from zmq.eventloop.zmqstream import ZMQStream

    listeners: dict[int, int] = {}

    def listen(bound: Any, ip: str, port: int) -> int:
        bound.setsockopt(zmq.USE_FD, listeners[port])
        bound.bind(f"ipc://{ip}-{port}")
        return port

    class Beat(Heartbeat):
        def _try_bind_socket(self) -> None:
            listen(self.socket, self.ip, self.port)

    class NoThread:
        """Stands where ipykernel has a thread that all messages go through, and is no such thread.

        That one is for a second shell, which nobody asks for.
        """

        parent_thread = threading.main_thread()

        def __bool__(self) -> bool:
            return False

    class OneShell(IPythonKernel):
        @property
        def _supports_kernel_subshells(self) -> bool:
            return False

    class Kernel(IPKernelApp):
        given = listeners
        settled = False

        def prepare(self) -> None:
            self.init_profile_dir()  # type: ignore[no-untyped-call]  # untyped IPython
            super().init_config_files()  # type: ignore[no-untyped-call]
            super().load_config_file()  # type: ignore[no-untyped-call]
            self.kernel = OneShell.instance(
                parent=self,
                log=self.log,
                session=self.session,
                profile_dir=self.profile_dir,
                user_ns=self.user_ns,
                shell_channel_thread=NoThread(),
            )
            shell: Any = self.kernel.shell
            shell.run_cell("pass", silent=True)  # what it imports and compiles then, it has
            shell.last_execution_result = None
            self.shell = shell
            super().init_extensions()  # type: ignore[no-untyped-call]

        def settle(self) -> None:
            """What ipykernel does last of all before a kernel starts: once, all is imported."""
            if not self.settled:
                self.settled = True
                super().init_code()  # type: ignore[no-untyped-call]

        def init_extensions(self) -> None:
            """They are loaded."""

        def init_code(self) -> None:
            self.settle()

        def init_config_files(self) -> None:
            """They are read."""

        def load_config_file(self, *_: Any, **__: Any) -> None:
            """It is read."""

        def _try_bind_socket(self, s: Any, port: int) -> int:
            return listen(s, self.ip, port)

        def parse_command_line(self, argv: Any = None) -> None:
            """There is none, and a parser of all its options takes time to make."""

        def init_connection_file(self) -> None:
            """There is none: the orders carry the connection."""

        def write_connection_file(self, **_: Any) -> None:
            """Nobody inside needs one."""

        def init_control(self, context: Any) -> None:
            """Without the debugger's sockets, and the thread for a second shell."""
            self.control_socket = context.socket(zmq.ROUTER)
            self.control_socket.linger = 1000
            self.control_socket.router_handover = 1
            self._bind_socket(self.control_socket, self.control_port)  # type: ignore[no-untyped-call]
            self.control_thread = ControlThread(daemon=True)  # type: ignore[no-untyped-call]

        def init_iopub(self, context: Any) -> None:
            # output that is not yet taken waits in here; by default libzmq would drop some of it
            context.setsockopt(zmq.SNDHWM, 0)
            super().init_iopub(context)  # type: ignore[no-untyped-call]  # untyped ipykernel

        def init_heartbeat(self) -> None:
            """In the kernel's own context: another one would start two threads of its own.

            ipykernel keeps them apart lest a beat wait for Python to free a large message.
            """
            address = (self.transport, self.ip, self.hb_port)
            self.heartbeat = Beat(self.context, address)  # type: ignore[no-untyped-call]
            self.heartbeat.start()

        def close(self) -> None:
            self.heartbeat = None  # ends with the context, which ipykernel would end twice
            super().close()  # type: ignore[no-untyped-call]

        def init_kernel(self) -> None:
            """Give the kernel that is there what ipykernel gives to a new one."""
            kernel, shell = self.kernel, self.kernel.shell
            self.control_thread.start()
            for name in ("control_thread", "iopub_thread", "iopub_socket", "stdin_socket"):
                setattr(kernel, name, getattr(self, name))
            kernel.shell_stream = ZMQStream(self.shell_socket)
            kernel.control_stream = ZMQStream(self.control_socket, self.control_thread.io_loop)
            for publisher in (shell.displayhook, shell.display_pub):
                publisher.session = self.session
                publisher.pub_socket = self.iopub_socket
            kernel._stdout, kernel._stderr = sys.stdout, sys.stderr
            kernel.record_ports({f"{name}_port": port for name, port in self._ports.items()})
            self.displayhook.get_execution_count = lambda: kernel.execution_count

    hold_back_output()
    look_once_at_parameters()
    config = Config()
    config.HistoryManager.enabled = False
    config.Session.key = b"until there are orders"
    config.IPKernelApp.log_level = 50
    config.IPKernelApp.transport = "ipc"
    config.IPKernelApp.connection_file = "kernel.json"
    kernel = Kernel.instance(config=config)
    kernel.log.setLevel(logging.CRITICAL)  # by itself the log makes records of all, for no handler
    kernel.prepare()
    return kernel


def run_kernel(orders: dict[str, Any]) -> None:
    """Start ipykernel on the given listening sockets; returns when the kernel is shut down."""
    kernel, session = prepare_kernel(), prepare_kernel().session
    kernel.given.update((int(port), number) for port, number in orders["listeners"].items())
    refuse_huge_messages(orders["largest_message"])
    session.pid = os.getpid()
    session.session = os.urandom(16).hex()
    session.signature_scheme = orders["signature_scheme"]
    session.key = orders["key"].encode()
    for name, port in zip(("shell", "iopub", "stdin", "control", "hb"), kernel.given, strict=True):
        setattr(kernel, f"{name}_port", port)
    kernel.ip = orders["ip"]
    kernel.initialize([])
    kernel.start()


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
