"""A running kernel as a test sees it: send a cell, get what it printed and how it ended."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from grader.course import Limits
from grader.sandbox.bubblewrap import SandboxPolicy
from grader.sandbox.kernelspec import SandboxMode, WatchedKernelManager, open_kernel
from grader.sandbox.process import SandboxProcess

needs_bubblewrap = pytest.mark.skipif(
    shutil.which("bwrap") is None and "CI" not in os.environ,
    reason="bubblewrap is not installed",
)
LIMITS = Limits(
    memory=512 * 2**20, processes=48, file_size=8 * 2**20, disk=16 * 2**20, startup_timeout=120.0
)
preload: tuple[str, ...] | None = None
"""Of kernels that `started` starts: None for a cold start."""


@dataclass(frozen=True)
class Reply:
    """Outcome of one cell: "ok" or "error", its printed text, and the exception's name."""

    status: str
    text: str
    error: str


class Kernel:
    """A started kernel of one test."""

    def __init__(self, manager: WatchedKernelManager, runner: asyncio.Runner) -> None:
        self.manager = manager
        self._runner = runner
        runner.run(manager.start_kernel())
        self.client = manager.client()
        self.client.start_channels()
        runner.run(
            self.client.wait_for_ready(timeout=manager.provisioner.policy.limits.startup_timeout)
        )

    def await_(self, coroutine: Any) -> Any:
        return self._runner.run(coroutine)

    def run(self, code: str, timeout: float = 60.0) -> Reply:
        """Execute one cell; raises TimeoutError if it does not end."""
        printed: list[str] = []

        def collect(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        reply = self.await_(
            self.client.execute_interactive(
                code,
                output_hook=collect,
                timeout=timeout,
                allow_stdin=False,
                stop_on_error=False,
            )
        )
        content = reply["content"]
        return Reply(content["status"], "".join(printed), content.get("ename", ""))

    def send(self, code: str) -> str:
        """Start a cell without waiting for it; gives the id of the request."""

        async def execute() -> str:
            return self.client.execute(code, stop_on_error=False)

        return self.await_(execute())

    def reply_to(self, request: str, timeout: float = 60.0) -> dict[str, Any]:
        """Content of the reply to a cell that was sent."""
        while True:
            message = self.await_(self.client.get_shell_msg(timeout=timeout))
            if message["parent_header"].get("msg_id") == request:
                return message["content"]

    @property
    def process(self) -> SandboxProcess:
        """The sandbox from outside."""
        process = self.manager.provisioner.process
        assert isinstance(process, SandboxProcess)
        return process

    def wait_printed(self, text: str) -> None:
        """Wait until a cell that was sent has printed `text`."""

        async def printed() -> None:
            while True:
                message = await self.client.get_iopub_msg(timeout=60)
                if text in message["content"].get("text", ""):
                    return

        self.await_(printed())

    def wait_gone(self, seconds: float = 60.0) -> bool:
        """Wait until nothing of the kernel is left."""
        watchdog = self.manager.provisioner.watchdog
        assert watchdog is not None
        return watchdog.wait(seconds)


@contextmanager
def started(
    policy: SandboxPolicy | None = None,
    mode: SandboxMode = SandboxMode.BUBBLEWRAP,
    **limits: Any,
) -> Iterator[Kernel]:
    """A kernel that has answered, and is gone for good at the end."""
    policy = policy or SandboxPolicy(limits=replace(LIMITS, **limits))
    if preload is not None:
        policy = replace(policy, preload=preload)
    with asyncio.Runner() as runner, open_kernel(mode, policy) as manager:
        kernel = Kernel(manager, runner)
        try:
            yield kernel
        finally:
            kernel.client.stop_channels()
