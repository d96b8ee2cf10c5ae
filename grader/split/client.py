"""nbclient, as the grader needs it: errors and time limits are results, not exceptions."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from queue import Empty
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from grader.course import Limits
from grader.errors import SandboxError
from grader.sandbox import WatchedKernelManager

_quiet = logging.getLogger("grader.split.client")
"""Goes nowhere; by default nbclient uses the application's log, for what a kernel says too."""
_quiet.propagate = False
_quiet.addHandler(logging.NullHandler())


class BadMessage(Exception):
    """The kernel sent what no Jupyter kernel sends; nothing that it says can be used."""


_SUBSCRIBED = 0.2
"""Seconds until a message must be here that was sent before a reply that is."""
_AFTER_INTERRUPT = 5
"""Seconds that an interrupted cell has to end."""


class GradedClient(NotebookClient):
    """Runs single cells of a notebook in a watched kernel.

    Args:
        notebook: outputs are written into its cells.
        manager: of a kernel not yet started.
        limits: of which `cell_timeout` and `startup_timeout` are enforced here.
    """

    def __init__(
        self, notebook: nbformat.NotebookNode, manager: WatchedKernelManager, limits: Limits
    ) -> None:
        super().__init__(
            notebook,
            km=manager,
            timeout=math.ceil(limits.cell_timeout),  # nbclient counts whole seconds
            interrupt_on_timeout=True,
            error_on_timeout={"ename": "CellTimeoutError", "evalue": "", "traceback": []},
            raise_on_iopub_timeout=True,
            iopub_timeout=_AFTER_INTERRUPT,
            allow_errors=True,
            record_timing=False,
            # A student's tag must not keep a cell from running.
            skip_cells_with_tag="",
            log=_quiet,
        )
        self._manager: Any = manager
        self._startup_timeout = limits.startup_timeout
        self._timed_out = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._reply: dict[str, Any] = {}
        self.on_cell_executed = self._keep_reply

    async def start(self, code: str = "pass") -> dict[str, Any]:
        """Start the kernel, and run `code` in it: not as a cell, and unseen by the notebook.

        Returns:
            The content of the kernel's reply.

        Raises:
            SandboxError: there was none in time.
        """
        await self._manager.start_kernel()
        client: Any = self._manager.client()
        self.kc = client
        client.start_channels(stdin=False, hb=False)  # nobody would listen to these
        client.allow_stdin = False
        client.execute(code, silent=True, store_history=False, allow_stdin=False)
        reply = await self._first_reply(client)
        await self._hears(client)
        return dict(reply["content"])

    async def _first_reply(self, client: Any) -> dict[str, Any]:
        started = time.monotonic()
        while True:
            try:
                reply: dict[str, Any] = await client.shell_channel.get_msg(timeout=1)
            except Empty:
                pass
            else:
                if reply["msg_type"] == "execute_reply":
                    return reply
            waited = time.monotonic() - started
            death = self._manager.death
            if death or waited > self._startup_timeout:
                reason = death.sentence if death else "it still runs"
                raise SandboxError(
                    f"The kernel did not answer within {waited:.0f} s ({reason}): "
                    "run `grader doctor`."
                )

    async def _hears(self, client: Any) -> None:
        """Wait until this side hears what the kernel sends out.

        What it sent before this side had subscribed is lost, so it is asked for more. The client's
        own `wait_for_ready` would wait 0.2 s for messages that do not matter.
        """
        started = time.monotonic()
        while time.monotonic() - started < self._startup_timeout:
            try:
                await client.iopub_channel.get_msg(timeout=_SUBSCRIBED)
            except Empty:
                client.kernel_info()
            else:
                return
        raise SandboxError("The kernel's outputs cannot be heard: run `grader doctor`.")

    async def run_cell(self, cell: nbformat.NotebookNode, index: int) -> dict[str, Any] | None:
        """Run one code cell.

        Returns:
            The content of the kernel's reply, untrusted; None where the cell was interrupted at
            its limit and the kernel goes on.

        Raises:
            DeadKernelError: the kernel is gone.
            CellTimeoutError: the cell did not even end when it was interrupted.
            BadMessage: the kernel sent something malformed.
        """
        self._timed_out = False
        self._reply = {"status": "ok"}  # a cell without code has no reply
        self._tasks.clear()
        try:
            await self.async_execute_cell(cell, index)
        except (DeadKernelError, CellTimeoutError):
            raise
        except Exception as error:  # nbclient takes messages apart without looking
            raise BadMessage(f"{type(error).__name__}: {error}") from None
        finally:
            await _cancel(self._tasks)
        return None if self._timed_out else self._reply

    async def _async_handle_timeout(
        self, timeout: int, cell: nbformat.NotebookNode | None = None
    ) -> dict[str, Any] | None:
        self._timed_out = True
        return await super()._async_handle_timeout(timeout, cell)

    # nbclient starts these as tasks, and forgets them after a cell that went wrong

    async def _async_poll_output_msg(self, *arguments: Any) -> None:
        self._note_task()
        await super()._async_poll_output_msg(*arguments)

    async def _async_poll_for_reply(self, *arguments: Any) -> Any:
        self._note_task()
        return await super()._async_poll_for_reply(*arguments)

    async def _async_poll_kernel_alive(self) -> None:
        self._note_task()
        await super()._async_poll_kernel_alive()

    def _note_task(self) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)

    def _keep_reply(self, *, execute_reply: dict[str, Any], **_cell: Any) -> None:
        self._reply = dict(execute_reply["content"])


async def _cancel(tasks: set[asyncio.Task[Any]]) -> None:
    """End what nbclient leaves waiting after a cell that went wrong."""
    left = [task for task in tasks if not task.done() and task is not asyncio.current_task()]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
