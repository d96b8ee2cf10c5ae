"""jupyter_client provisioners whose kernels are bounded, watched, and killed without remainder.

`BubblewrapProvisioner` isolates the kernel; it is registered as "bubblewrap-provisioner", so a
kernelspec can name it and papermill, nbclient, nbgrader and JupyterLab can use it.
"""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import signal
import socket
import tempfile
import time
import weakref
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Dict, Instance, List, Unicode, default

from grader.course import Limits
from grader.sandbox.bubblewrap import SandboxPolicy
from grader.sandbox.channels import MESSAGE_ALLOWANCE, OutputCounter, bound_channels
from grader.sandbox.warm import start_kernel
from grader.sandbox.watchdog import Death, DeathReason, Supervised, Watchdog

PORTS = (1, 2, 3, 4, 5)  # shell, iopub, stdin, control, heartbeat; the launcher has this order
POLL = 0.01  # seconds
STOP_TIMEOUT = 10.0  # seconds
LONGEST_ADDRESS = 80  # of the 107 characters that the path of a Unix socket may have


class WatchedProvisioner(KernelProvisionerBase):
    """What isolated and plain kernels have in common: a policy, a watchdog, a short death."""

    policy = Instance(SandboxPolicy, help="What the kernel may see and use.")
    limits = Dict(help="In a kernelspec, where a policy cannot stand: its limits by name.")
    preload = List(
        Unicode(), None, allow_none=True, help="In a kernelspec: modules of a warm kernel."
    )

    passed: tuple[int, ...] = ()
    """Open descriptors that the kernel inherits, under the same numbers."""
    process: Supervised | None = None
    watchdog: Watchdog | None = None
    _counter: OutputCounter | None = None

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.directory = Path(_short_directory())
        self._remove = weakref.finalize(self, shutil.rmtree, self.directory, ignore_errors=True)

    @default("policy")
    def _policy_default(self) -> SandboxPolicy:
        modules = None if self.preload is None else tuple(self.preload)
        return SandboxPolicy(limits=Limits(**self.limits), preload=modules)

    @property
    def death(self) -> Death | None:
        """How the kernel ended, or None while it runs."""
        return self.watchdog.death if self.watchdog else None

    @property
    def peak_memory(self) -> int:
        """The most memory it was seen to use at once, in bytes."""
        return self.watchdog.peak_memory if self.watchdog else 0

    @property
    def peak_gpu_memory(self) -> int:
        """The most memory on graphics cards that it was seen to use at once, in bytes."""
        return self.watchdog.peak_gpu_memory if self.watchdog else 0

    def cpu_seconds(self) -> float:
        """CPU time that it and what it started have used."""
        return self.watchdog.cpu_seconds() if self.watchdog else 0.0

    def condemn(self, reason: DeathReason, sentence: str) -> None:
        """Kill the kernel and record why; later reasons do not replace the first."""
        if self.watchdog:
            self.watchdog.condemn(reason, sentence)

    def close(self) -> None:
        """Kill what still runs, wait until it is gone, remove the private folder; idempotent."""
        if self.watchdog:
            self.watchdog.condemn(DeathReason.KILLED, "stopped by the grader")
            self.watchdog.wait(STOP_TIMEOUT)
        self.process = None
        self._remove()

    def _watch(self, process: Supervised) -> None:
        self.process = process
        self.watchdog = Watchdog(process, self.policy.limits, gpu=bool(self.policy.devices))

    def _count_output(self) -> None:
        """Bound what the manager and its clients take in; a restart counts from zero again."""
        if self._counter is None:
            limit = self.policy.limits.output
            sentence = f"killed: more than {limit / 2**20:.3g} MiB of output"
            excess = functools.partial(self.condemn, DeathReason.OUTPUT, sentence)
            self._counter = OutputCounter(limit, excess)
            bound_channels(cast(KernelManager, self.parent), self._counter)
        self._counter.total = 0

    @property
    def has_process(self) -> bool:
        """Whether there is a kernel to speak of, dead or alive, that was not waited for."""
        return self.process is not None

    async def poll(self) -> int | None:
        """None while any process of the kernel is left, else an exit code."""
        if self.watchdog is None or self.watchdog.wait(0):
            death = self.death
            return 0 if death is None or death.exit_code is None else death.exit_code
        return None

    async def wait(self) -> int | None:
        """Wait until no process of the kernel is left."""
        while (code := await self.poll()) is None:
            await asyncio.sleep(POLL)
        self.process = None
        return code

    async def kill(self, restart: bool = False) -> None:
        """Kill every process of the kernel and wait until they are gone."""
        self.condemn(DeathReason.KILLED, "stopped by the grader")
        deadline = time.monotonic() + STOP_TIMEOUT
        while await self.poll() is None and time.monotonic() < deadline:
            await asyncio.sleep(POLL)

    async def terminate(self, restart: bool = False) -> None:
        """The same as `kill`: there is nothing in a sandbox worth saving."""
        await self.kill(restart)

    async def shutdown_requested(self, restart: bool = False) -> None:
        """Kill at once: a kernel's own shutdown takes up to seconds and may never end."""
        await self.kill(restart)

    def get_shutdown_wait_time(self, recommended: float = 5.0) -> float:
        """Seconds; short, since the kernel is already dead when this is asked."""
        return min(recommended, 1.0)

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the private folder, unless the kernel starts again."""
        if not restart:
            await asyncio.to_thread(self.close)


class BubblewrapProvisioner(WatchedProvisioner):
    """Starts ipykernel inside bubblewrap, forked from a zygote where the policy says so.

    The sockets of the kernel are bound out here, in a folder that nobody else can enter, and
    travel in as open descriptors, so the sandbox shares no folder with this machine.
    """

    async def pre_launch(self, **options: Any) -> dict[str, Any]:
        """Ignore command, environment and working directory: the policy alone decides these."""
        return {"cmd": []}

    async def launch_kernel(self, cmd: list[str], **options: Any) -> KernelConnectionInfo:
        """Start the sandbox; returns when its Python is up.

        Raises:
            SandboxUnavailable: this machine cannot isolate a kernel.
            SandboxError: the kernel did not start.
        """
        manager: Any = self.parent
        if not manager.connection_file:
            manager.connection_file = str(self.directory / "kernel.json")
        session = manager.session
        address = str(self.directory / "kernel")
        orders = {
            "key": session.key.decode(),
            "signature_scheme": session.signature_scheme,
            "ip": address,
            "largest_message": MESSAGE_ALLOWANCE,
        }
        self._count_output()
        with ExitStack() as stack:
            listeners = {}
            for port in PORTS:
                listeners[port] = stack.enter_context(_listen(f"{address}-{port}"))
            process = await asyncio.to_thread(
                start_kernel, self.policy, orders, listeners, self.passed
            )
        self._sandbox = process
        self._watch(process)
        self.connection_info = KernelConnectionInfo(
            shell_port=1,
            iopub_port=2,
            stdin_port=3,
            control_port=4,
            hb_port=5,
            ip=address,
            transport="ipc",
            key=session.key,
            signature_scheme=session.signature_scheme,
            kernel_name=manager.kernel_name,
        )
        return self.connection_info

    async def send_signal(self, signum: int) -> None:
        """SIGINT interrupts the running cell; any other signal ends the sandbox."""
        if self.process is None:
            return
        if signum == signal.SIGINT:
            await asyncio.to_thread(self._sandbox.interrupt)
        elif signum != 0:
            await self.kill()


def _short_directory() -> str:
    """A private folder (mode 0700) whose name leaves room for that of a socket."""
    parent = tempfile.gettempdir()
    if len(parent) > LONGEST_ADDRESS and os.path.isdir("/tmp"):  # noqa: S108 -- mkdtemp is safe
        parent = "/tmp"  # noqa: S108
    return tempfile.mkdtemp(prefix="grader-", dir=parent)


def _listen(path: str) -> socket.socket:
    Path(path).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    return listener
