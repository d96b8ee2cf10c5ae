"""A kernel without isolation, for machines that have no bubblewrap: watched, killed, no more."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from typing import Any, cast

import psutil
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from grader.errors import SandboxError
from grader.sandbox.memory import MemoryMeter, make_meter
from grader.sandbox.provisioner import WatchedProvisioner

SWEEPS = 200
SWEEP_PAUSE = 0.01  # seconds


class PlainProcess:
    """An ordinary kernel process and what it started, as far as that can be followed.

    Where there is a cgroup nothing escapes. Elsewhere a process that detaches itself and loses
    its parent before it is seen here does; only a sandbox prevents that.
    """

    def __init__(self, process: subprocess.Popen[bytes], limit: int) -> None:
        self._process = process
        self._known: dict[int, psutil.Process] = {}
        self.meter: MemoryMeter = make_meter(limit, self.family)
        with contextlib.suppress(OSError):
            self.meter.attach([process.pid])

    def family(self) -> list[psutil.Process]:
        """The kernel and its descendants, including those seen before and detached since."""
        for parent in (self._process.pid, *self._known):
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(parent)
                for child in (process, *process.children(recursive=True)):
                    self._known.setdefault(child.pid, child)
        self._known = {pid: child for pid, child in self._known.items() if child.is_running()}
        return list(self._known.values())

    def pause(self, seconds: float) -> bool:
        """Wait up to `seconds`; True once the kernel is gone, and what it started killed."""
        family = self.family()
        try:
            self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return False
        _kill(family)
        psutil.wait_procs(family, timeout=1)
        for _ in range(SWEEPS):  # what is killed may just have started something
            if not (left := self.meter.members()):
                break
            _kill(_processes(left))
            time.sleep(SWEEP_PAUSE)
        return True

    def kill(self) -> None:
        """Kill the kernel, its process group, and everything it is known to have started."""
        family = self.family()
        if hasattr(os, "killpg") and self._process.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
        _kill(family)

    def pids(self) -> set[int]:
        """The kernel, what it is known to have started, and what a cgroup counts with them."""
        return {self._process.pid, *self._known, *self.meter.members()}

    def exit_code(self) -> int | None:
        """The kernel's exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def tail(self) -> str:
        """Nothing: a plain kernel writes to the caller's stderr."""
        return ""


def _processes(pids: list[int]) -> list[psutil.Process]:
    found = []
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            found.append(psutil.Process(pid))
    return found


def _kill(family: list[psutil.Process]) -> None:
    for process in family:
        with contextlib.suppress(psutil.Error):
            process.kill()


class PlainProvisioner(WatchedProvisioner):
    """Starts ipykernel as an ordinary process, with the same bounds on time, memory and output.

    Student code runs with all rights of the user who grades. A work folder with the policy's
    data files is made and removed again; the policy's other parts have no meaning here.
    """

    async def pre_launch(self, **options: Any) -> dict[str, Any]:
        """Prepare the work folder and jupyter_client's ordinary local kernel in it."""
        work = self.directory / "work"
        work.mkdir(exist_ok=True)
        for file in self.policy.files:
            target = work / file.target
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(file.source, target)
            except OSError as error:
                raise SandboxError(
                    f"The data file {file.source} cannot be read ({error.strerror}): "
                    "restore it, or take it out of the assignment."
                ) from None
        manager: Any = self.parent
        if os.name == "posix":  # no other user can reach a socket in the private folder
            manager.transport, manager.ip = "ipc", str(self.directory / "kernel")
        self._local = LocalProvisioner(
            parent=manager, kernel_id=self.kernel_id, kernel_spec=self.kernel_spec
        )
        environment = {**os.environ, **dict(self.policy.environment)}
        chosen: dict[str, Any] = await self._local.pre_launch(
            **{**options, "cwd": str(work), "env": environment}
        )
        return chosen

    async def launch_kernel(self, cmd: list[str], **options: Any) -> KernelConnectionInfo:
        """Start the kernel process."""
        self._count_output()
        info = await self._local.launch_kernel(cmd, **{**options, "pass_fds": self.passed})
        process = cast("subprocess.Popen[bytes]", self._local.process)
        self._watch(PlainProcess(process, self.policy.limits.memory))
        return info

    async def send_signal(self, signum: int) -> None:
        """Pass the signal to the kernel's process group."""
        if self.process is not None:
            await self._local.send_signal(signum)

    async def cleanup(self, restart: bool = False) -> None:
        """Give back ports and remove the work folder, unless the kernel starts again."""
        await self._local.cleanup(restart=restart)
        if not restart:
            await asyncio.to_thread(self.close)
