"""Kernel managers for isolated and plain kernels, without a file in anyone's Jupyter folders."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import Unicode

from grader.sandbox.bubblewrap import SandboxPolicy
from grader.sandbox.host import examine_host
from grader.sandbox.plain import PlainProvisioner
from grader.sandbox.provisioner import BubblewrapProvisioner, WatchedProvisioner
from grader.sandbox.watchdog import Death, DeathReason

KERNEL_NAME = "python3"


class SandboxMode(Enum):
    """How student code is kept apart from this machine."""

    BUBBLEWRAP = "bubblewrap"
    NONE = "none"


class WatchedKernelManager(AsyncKernelManager):
    """An AsyncKernelManager that knows how its kernel died and what it used.

    Make one with `isolated_kernel_manager` or `plain_kernel_manager`, or in a `with` statement
    with `open_kernel`. It can be handed to nbclient and papermill as `km`.
    """

    kernel_name = Unicode(KERNEL_NAME)
    provisioner: WatchedProvisioner

    def __init__(
        self,
        provisioner: type[WatchedProvisioner],
        policy: SandboxPolicy,
        passed: Sequence[int] = (),
    ) -> None:
        super().__init__(kernel_id=str(uuid.uuid4()))
        spec = KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python 3 (ipykernel)",
            language="python",
            name=KERNEL_NAME,
        )
        self._kernel_spec = spec
        self.provisioner = provisioner(
            parent=self, kernel_id=self.kernel_id, kernel_spec=spec, policy=policy
        )
        self.provisioner.passed = tuple(passed)
        self.connection_file = str(self.provisioner.directory / "kernel.json")
        self._clients: list[AsyncKernelClient] = []

    def client(self, **options: Any) -> AsyncKernelClient:  # type: ignore[override]  # as parent
        """A new client, bounded in what it takes in; `close` closes it too."""
        client = super().client(**options)
        self._clients.append(client)
        return client

    @property
    def pid(self) -> int | None:
        """Process id of the isolated process that runs cells; None where there is none."""
        return getattr(self.provisioner.process, "kernel", None)

    @property
    def death(self) -> Death | None:
        """How the kernel ended, judged from outside; None while it runs."""
        return self.provisioner.death

    def wait_death(self, timeout: float) -> Death | None:
        """How the kernel ended, after up to `timeout` seconds for the last of it to be gone."""
        if self.provisioner.watchdog:
            self.provisioner.watchdog.wait(timeout)
        return self.death

    @property
    def peak_memory(self) -> int:
        """The most memory that the kernel and all it started were seen to use, in bytes."""
        return self.provisioner.peak_memory

    @property
    def peak_gpu_memory(self) -> int:
        """The most memory on graphics cards that they were seen to use, in bytes."""
        return self.provisioner.peak_gpu_memory

    def cpu_seconds(self) -> float:
        """CPU time, user and system, that the kernel and all it started have used so far."""
        return self.provisioner.cpu_seconds()

    @property
    def memory_limiter(self) -> str:
        """What bounds memory: "cgroup v2", "cgroup v1" or "polling"; "" before the start."""
        process = self.provisioner.process
        return process.meter.name if process else ""

    def start_clock(self) -> None:
        """Say that the notebook begins now; `notebook_timeout` counts from here."""
        if self.provisioner.watchdog:
            self.provisioner.watchdog.start_clock()

    def condemn(self, reason: DeathReason, sentence: str) -> None:
        """Kill the kernel and record why."""
        self.provisioner.condemn(reason, sentence)

    def close(self) -> None:
        """Kill the kernel and all it started, wait for that, remove its files; idempotent."""
        self.provisioner.close()
        for client in self._clients:
            if client.channels_running:
                client.stop_channels()
        self._clients.clear()
        self._close_control_socket()
        if self._created_context and not self.context.closed:
            self.context.destroy(linger=0)


def isolated_kernel_manager(
    policy: SandboxPolicy, passed: Sequence[int] = ()
) -> WatchedKernelManager:
    """A manager whose kernel starts inside bubblewrap.

    Raises:
        SandboxUnavailable: this machine has no usable bubblewrap.
    """
    examine_host()
    return WatchedKernelManager(BubblewrapProvisioner, policy, passed)


def plain_kernel_manager(policy: SandboxPolicy, passed: Sequence[int] = ()) -> WatchedKernelManager:
    """A manager whose kernel is an ordinary process of this user: watched, but not isolated."""
    return WatchedKernelManager(PlainProvisioner, policy, passed)


@contextmanager
def open_kernel(
    mode: SandboxMode, policy: SandboxPolicy, passed: Sequence[int] = ()
) -> Iterator[WatchedKernelManager]:
    """A kernel manager, not yet started, whose kernel is gone for good at the end of the block.

    Args:
        mode: how it is isolated.
        policy: what it may see and use.
        passed: open descriptors that the kernel gets, under the same numbers.

    Raises:
        SandboxUnavailable: `mode` is BUBBLEWRAP and this machine has no usable bubblewrap.
    """
    make = isolated_kernel_manager if mode is SandboxMode.BUBBLEWRAP else plain_kernel_manager
    manager = make(policy, passed)
    try:
        yield manager
    finally:
        manager.close()
