"""One kernel of a notebook, with the grader's own part loaded in it."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat

from grader.errors import SandboxError
from grader.sandbox import Bind, SandboxMode, SandboxPolicy, WatchedKernelManager
from grader.split import bridge
from grader.split.client import GradedClient

_BRIDGE = Path(bridge.__file__).parent
_INSIDE = Path("/run/grader_bridge")

MODULES = ("agent", "tester")
"""The ends of the bridge: in the answer kernel, and in the test kernel."""
_LOAD = """
import importlib.util as _u, sys as _s
if "grader_bridge" not in _s.modules:  # a warm kernel has it
    _p = _u.spec_from_file_location("grader_bridge", {path!r} + "/__init__.py",
        submodule_search_locations=[{path!r}])
    _m = _u.module_from_spec(_p)
    _s.modules["grader_bridge"] = _m
    _p.loader.exec_module(_m)
from grader_bridge import {module}
{module}.start({number}, get_ipython(), *{more!r})
"""


class Kernel:
    """One kernel, started, with the bridge loaded in it.

    Args:
        manager: not yet started.
        policy: of the kernel.
        mode: how it is isolated.
    """

    def __init__(
        self, manager: WatchedKernelManager, policy: SandboxPolicy, mode: SandboxMode
    ) -> None:
        self.manager = manager
        self._mode = mode
        self._client = GradedClient(nbformat.v4.new_notebook(), manager, policy.limits)

    async def start(self, module: str, number: int, *more: object) -> None:
        """Start it, and the module of the bridge in it on this descriptor.

        Args:
            module: "agent" or "tester".
            number: of the descriptor.
            more: plain data that the module's `start` takes besides.

        Raises:
            SandboxError: that did not work.
        """
        path = _INSIDE if self._mode is SandboxMode.BUBBLEWRAP else _BRIDGE
        values = {"path": str(path), "module": module, "number": number, "more": more}
        code = _LOAD.format(**values)
        reply = await self._client.start(f"exec({code!r}, {{'get_ipython': get_ipython}})")
        self.manager.start_clock()
        if reply.get("status") != "ok":
            raise SandboxError(
                f"The grader's part of a kernel did not start ({reply.get('ename', '')}: "
                f"{reply.get('evalue', '')}); run `grader doctor`."
            )

    async def run(self, cell: nbformat.NotebookNode) -> dict[str, Any] | None:
        """Run a cell, which gets its outputs; see `GradedClient.run_cell`."""
        self._client.nb.cells = [cell]
        return await self._client.run_cell(cell, 0)

    async def interrupt(self) -> None:
        """Interrupt the running cell, or what it serves."""
        with contextlib.suppress(Exception):  # it may be gone by now
            await self.manager.interrupt_kernel()


def with_bridge(policy: SandboxPolicy) -> SandboxPolicy:
    """Show the bridge in the sandbox; warm kernels are forked with both ends of it.

    Both kernels of a notebook are forks of one zygote then. What they have in common is the same
    memory, which the processor has at hand when one waits for the other: a question and its answer
    take about a quarter less time than between two zygotes.
    """
    preload = policy.preload
    if preload is not None:
        preload = (*preload, *(f"{_INSIDE.name}.{module}" for module in MODULES))
    return replace(policy, binds=(*policy.binds, Bind(_BRIDGE, _INSIDE)), preload=preload)
