"""A fork server: makes a kernel but for its orders once, then forks it whenever it is asked.

It runs in a sandbox, as trusted code: nothing of a submission is ever read here before the fork,
and a fork, in namespaces of its own, shuts itself off from all others before it takes its orders.
The first argument is the number of a connected SOCK_SEQPACKET socket, the second a JSON list of
modules, which may also lie beside this package.

It answers with one JSON object, {"failed": {module: why}, "threads": how many}; each message after
that asks for a kernel: a JSON object and descriptors, of which the first three are a control
socket, a pipe for the kernel's exit code, and one for its stderr, then, in this order, those that

    passed      (a list of numbers) the kernel gets, under these numbers
    files       (a list of paths) hold what is to be copied to these paths
    filter      (a boolean, the last one) hold a compiled seccomp filter

and further `home`, `tmpfs` ({folder: [bytes, permissions]}), `kept` (paths below these that are
to stay), and `user` and `group` ids.

One thread only: a lock that another holds would stay locked in the fork. One OpenMP operation
would start threads, so modules are imported and nothing is computed.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import json
import os
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from . import launcher, namespaces

KERNEL = (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.display_functions",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "ipykernel.debugger",
    "ipykernel.zmqshell",
    "pdb",
    "tornado.platform.asyncio",
)
"""What a kernel imports while it starts."""
LATER = {
    "torch": ("torch._dynamo", "torch.optim", "torch.utils.data", "torch.nn.functional"),
    "matplotlib": ("matplotlib.pyplot", "matplotlib_inline.config"),
    "numpy": ("numpy.random", "numpy.linalg", "numpy.testing", "numpy.ma"),
}
"""What these modules import only when they are used, the first optimizer for one."""
_MOST = 2**20  # bytes of a request
_DESCRIPTORS = 253  # as many as Linux passes at once
_HIGH = 512  # descriptors from here on are free for what is on its way to its number


def main() -> None:
    """Called in a sandbox that `grader.sandbox.warm` has started."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = socket.socket(fileno=int(sys.argv[1]))
    failed = preload(json.loads(sys.argv[2]))
    del sys.path[0]  # this package's folder; the kernel puts the work folder there
    sys.argv = ["ipykernel"]
    answer = {"failed": failed, "threads": len(os.listdir("/proc/self/task"))}
    server.sendall(json.dumps(answer).encode())
    control = serve(server)
    if control is not None:
        launcher.begin(control)


def preload(modules: list[str]) -> dict[str, str]:
    """Make a kernel and import `modules` too; why each of those that failed did."""
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    kernel = launcher.prepare_kernel()
    failed = {}
    for name in [*KERNEL, *modules]:
        for each in (name, *LATER.get(name, ())):
            try:
                importlib.import_module(each)
            except Exception as error:  # whatever it is, the notebook will show it too
                failed[each] = f"{type(error).__name__}: {error}"[:200]
    kernel.settle()
    gc.collect()
    gc.freeze()  # a collection in a fork would write to, and so copy, every page
    return failed


def serve(server: socket.socket) -> int | None:
    """Fork a kernel for each request.

    Returns:
        In a fork, the number of its control socket; in the zygote None, once the other side is
        gone.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for what was forked
    while True:
        text, descriptors, _, _ = socket.recv_fds(server, _MOST, _DESCRIPTORS)
        if not text:
            return None
        try:
            forked = namespaces.fork()
        except OSError as error:
            os.write(descriptors[0], f"failed {error}".encode())
        else:
            if not forked:
                server.close()
                return _shut_off(json.loads(text), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _shut_off(request: dict[str, Any], descriptors: list[int]) -> int:
    """Become a kernel in namespaces of its own; only that kernel returns from here.

    This process is the first of a pid namespace; it forks the kernel and waits for its end.
    """
    control = descriptors[0]
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        namespaces.own(request["user"], request["group"])
        os.setsid()
        _furnish(request, descriptors)
        with socket.socket(fileno=os.dup(control)) as trusted:
            trusted.sendall(b"first")
            if trusted.recv(1) != b"g":  # its memory is bounded: go on
                os._exit(1)
    except BaseException as error:
        os.write(control, f"failed {type(error).__name__}: {error}".encode())
        os._exit(1)
    kernel = os.fork()
    if kernel:
        _be_first(kernel, descriptors)
    namespaces.set_dumpable(True)
    return _take(request, descriptors)


def _furnish(request: dict[str, Any], descriptors: list[int]) -> None:
    """Set up what the kernel will find, and give up every right to change it."""
    namespaces.cover(request["tmpfs"], request["kept"])
    namespaces.raise_loopback()
    os.chdir(request["home"])
    start = 3 + len(request["passed"])
    for target, descriptor in zip(request["files"], descriptors[start:], strict=False):
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        with open(descriptor, "rb", closefd=False) as given, open(target, "wb") as copy:
            shutil.copyfileobj(given, copy)
    namespaces.forbid_namespaces()
    namespaces.drop_capabilities()
    namespaces.set_dumpable(False)


def _be_first(kernel: int, descriptors: list[int]) -> None:
    """Reap whatever ends in this namespace; leave, and so end it, with the kernel's exit code."""
    ended = descriptors[1]
    for descriptor in descriptors:
        if descriptor != ended:
            os.close(descriptor)
    while True:
        pid, status = os.wait()
        if pid == kernel:
            code = os.waitstatus_to_exitcode(status)
            os.write(ended, bytes([code if code >= 0 else 128 - code]))
            os._exit(0)


def _take(request: dict[str, Any], descriptors: list[int]) -> int:
    """Put every descriptor where the kernel expects it, and close the rest.

    Returns:
        The number of the control socket.
    """
    control, _, errors, *rest = descriptors
    passed = dict(zip(request["passed"], rest, strict=False))
    if request["filter"]:
        with open(rest[-1], "rb", closefd=False) as file:
            program = file.read()
    os.dup2(errors, 2)
    held = {number: fcntl.fcntl(given, fcntl.F_DUPFD, _HIGH) for number, given in passed.items()}
    moved = fcntl.fcntl(control, fcntl.F_DUPFD, _HIGH)
    for descriptor in descriptors:
        os.close(descriptor)
    for number, given in held.items():
        os.dup2(given, number)
        os.close(given)
    if request["filter"]:
        namespaces.filter_calls(program)
    if "numpy" in sys.modules:  # Python's own generator notices a fork
        sys.modules["numpy"].random.seed()
    if hasattr(sys.modules.get("torch"), "default_generator"):
        sys.modules["torch"].default_generator.seed()
    return moved
