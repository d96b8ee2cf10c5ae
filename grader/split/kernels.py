"""Two kernels for one notebook, and what passes between the grader and each of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_code_cell

from grader.errors import SandboxError
from grader.sandbox import (
    Bind,
    Death,
    DeathReason,
    SandboxMode,
    SandboxPolicy,
    WatchedKernelManager,
    open_kernel,
)
from grader.split import bridge
from grader.split.client import BadMessage, GradedClient
from grader.split.plan import CellPlan, NotebookPlan

BRIDGE = Path(bridge.__file__).parent
INSIDE = Path("/run/grader_bridge")
STOP_WAIT = 10.0  # seconds for the last of a killed kernel to be gone
GRACE = 2.0  # seconds that an interrupted side has to end
MARGIN = 30.0  # seconds and more that the test kernel has over what its cells may take
_LINE = 2**20

_LOAD = """
import importlib.util as _u, sys as _s
if "grader_bridge" not in _s.modules:  # a warm kernel has it
    _p = _u.spec_from_file_location("grader_bridge", {path!r} + "/__init__.py",
        submodule_search_locations=[{path!r}])
    _m = _u.module_from_spec(_p)
    _s.modules["grader_bridge"] = _m
    _p.loader.exec_module(_m)
from grader_bridge import {module}
"""
_START = {
    "agent": "agent.start({number}, get_ipython().user_ns)",
    "tester": "get_ipython()._grader = tester.start({number}, get_ipython())",
}


class TestKernelLost(Exception):
    """The test kernel died, or did not end a cell.

    Args:
        death: how, or None where it still ran.
    """

    __test__ = False  # not a test class, whatever its name makes pytest think

    def __init__(self, death: Death | None) -> None:
        self.death = death


@dataclass(frozen=True)
class Told:
    """What the test kernel says after a cell: whether, and how, it lost the answer kernel."""

    broken: str
    why: str
    calls: int
    diagnoses: dict[str, str] = field(default_factory=dict)
    """Names of misconceptions by the grade_id of the test, after `KernelPair.diagnose`."""


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
        self._limits = policy.limits
        self._client = GradedClient(nbformat.v4.new_notebook(), manager, policy.limits)

    async def start(self, module: str, number: int) -> None:
        """Start it, and the module of the bridge in it on this descriptor.

        Raises:
            SandboxError: that did not work.
        """
        await self._client.start()
        self.manager.start_clock()
        path = INSIDE if self._mode is SandboxMode.BUBBLEWRAP else BRIDGE
        code = _LOAD.format(path=str(path), module=module) + _START[module].format(number=number)
        cell = new_code_cell(f"exec({code!r}, {{'get_ipython': get_ipython}})")
        try:
            reply = await self.run(cell) or {"ename": "CellTimeoutError"}
        except (DeadKernelError, CellTimeoutError, BadMessage) as error:
            reply = {"ename": type(error).__name__, "evalue": str(error)}
        if reply.get("status") != "ok":
            raise SandboxError(
                f"The grader's part of a kernel did not start ({reply['ename']}: "
                f"{reply.get('evalue', '')}); run `grader doctor`."
            )

    async def run(self, cell: nbformat.NotebookNode) -> dict[str, Any] | None:
        """Run a cell, which gets its outputs; see `GradedClient.run_cell`."""
        self._client.nb = nbformat.v4.new_notebook(cells=[cell])
        return await self._client.run_cell(cell, 0)

    async def interrupt(self) -> None:
        """Interrupt the running cell, or what it serves."""
        with contextlib.suppress(Exception):  # it may be gone by now
            await self.manager.interrupt_kernel()

    def stop(self) -> None:
        """Close the channels to it."""
        self._client.stop()


def _with_module(policy: SandboxPolicy, module: str) -> SandboxPolicy:
    """Let a warm kernel be forked with a module of the bridge in it."""
    if policy.preload is None:
        return policy
    return replace(policy, preload=(*policy.preload, f"{INSIDE.name}.{module}"))


class KernelPair:
    """The answer kernel and the test kernel of one notebook.

    Args:
        policy: of the answer kernel; the test kernel sees the instructor's files only.
        mode: how both are isolated.
        plan: of the notebook.
        instructor_files: targets of those files of the policy that are the instructor's; None
            where all are.
    """

    def __init__(
        self,
        policy: SandboxPolicy,
        mode: SandboxMode,
        plan: NotebookPlan,
        instructor_files: Collection[str] | None,
    ) -> None:
        shown = (Bind(BRIDGE, INSIDE),)
        self._policy = _with_module(replace(policy, binds=(*policy.binds, *shown)), "agent")
        files = tuple(
            file
            for file in policy.files
            if instructor_files is None or file.target in instructor_files
        )
        limits = replace(
            policy.limits,
            cell_timeout=policy.limits.cell_timeout
            + MARGIN,  # `run_tested` is the one that ends it
            notebook_timeout=2 * policy.limits.notebook_timeout + MARGIN,
        )
        random_hashes = ("PYTHONHASHSEED", "random")
        self._test_policy = replace(
            _with_module(replace(policy, binds=self._policy.binds), "tester"),
            files=files,
            limits=limits,
            environment=(*policy.environment, random_hashes),
        )
        self._mode = mode
        self._deadline: float | None = None
        self._prelude = plan.prelude
        self._classes = None if plan.classes is None else sorted(plan.classes)
        self._watched = sorted(plan.watched)
        self._stack = ExitStack()
        self._answer_stack = ExitStack()
        self._new_channel: socket.socket | None = None
        self.answer: Kernel
        self.test: Kernel
        self.peak_memory = 0
        self.peak_gpu_memory = 0
        self._managers: list[WatchedKernelManager] = []  # of kernels that others replaced, too

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Both kernels are gone for good at the end of the block."""
        try:
            yield
        finally:
            self._close_answer()
            with contextlib.suppress(AttributeError):
                self.test.stop()
            self._stack.close()

    async def start(self) -> None:
        """Start both at once.

        Raises:
            SandboxError: one did not start, for a reason that is ours.
        """
        starting = [self._start_answer(), self._start_test()]
        found = await asyncio.gather(*starting, return_exceptions=True)
        for error in found:
            if isinstance(error, BaseException):
                raise error
        if self._deadline is None:
            self._deadline = time.monotonic() + self._policy.limits.notebook_timeout

    async def _start_test(self) -> None:
        ours, theirs = socket.socketpair()
        self._stack.callback(ours.close)
        ours.settimeout(STOP_WAIT)
        self._control = ours
        with theirs:
            opened = open_kernel(self._mode, self._test_policy, [theirs.fileno()])
            manager = self._stack.enter_context(opened)
            self._managers.append(manager)
            self.test = Kernel(manager, self._test_policy, self._mode)
            await self.test.start("tester", theirs.fileno())
        await self._told()
        if self._prelude:
            lines = "\n".join(f"try:\n    {line}\nexcept Exception: pass" for line in self._prelude)
            self._order(reserved=(), owned=(), shared=(), connect=False)
            await self.test.run(new_code_cell(lines))
            await self._told()

    async def _start_answer(self) -> None:
        ours, theirs = socket.socketpair()
        limits = self._policy.limits
        if self._deadline is not None:  # it takes the place of one that has used some of the time
            left = max(self._deadline - time.monotonic(), 1.0)
            limits = replace(limits, notebook_timeout=left)
        policy = replace(self._policy, limits=limits)
        self._new_channel = ours
        with theirs:
            opened = open_kernel(self._mode, policy, [theirs.fileno()])
            manager = self._answer_stack.enter_context(opened)
            self._managers.append(manager)
            self.answer = Kernel(manager, policy, self._mode)
            await self.answer.start("agent", theirs.fileno())

    def cpu_seconds(self) -> float:
        """CPU time, user and system, of both kernels and of those that they replaced."""
        return sum(manager.cpu_seconds() for manager in self._managers)

    def was_lost(self) -> bool:
        """Whether one of them was ended from outside."""
        deaths = [manager.death for manager in self._managers]
        return any(death is not None and death.reason is DeathReason.LOST for death in deaths)

    def _close_answer(self) -> None:
        if self._new_channel is not None:
            self._new_channel.close()
            self._new_channel = None
        with contextlib.suppress(AttributeError):
            self._note_peaks()
            self.answer.stop()
        self._answer_stack.close()
        self._answer_stack = ExitStack()
        with contextlib.suppress(AttributeError):
            self._note_peaks()

    def _note_peaks(self) -> None:
        manager = self.answer.manager
        self.peak_memory = max(self.peak_memory, manager.peak_memory)
        self.peak_gpu_memory = max(self.peak_gpu_memory, manager.peak_gpu_memory)

    async def restart_answer(self) -> None:
        """A fresh answer kernel in place of one that died; its cells are the caller's to replay.

        Raises:
            SandboxError: it did not start.
        """
        self._close_answer()
        await self._start_answer()

    async def restart(self) -> None:
        """Both kernels afresh, since the test kernel died.

        Raises:
            SandboxError: one did not start.
        """
        self._close_answer()
        self.test.stop()
        self._stack.close()
        await self.start()

    def test_is_lost(self) -> bool:
        """Whether the test kernel is gone."""
        return self.test.manager.wait_death(0) is not None

    def answer_death(self, wait: float = 0.0) -> Death | None:
        """How the answer kernel ended, or None while it runs."""
        return self.answer.manager.wait_death(wait)

    async def run_tested(
        self, plan: CellPlan, cell: nbformat.NotebookNode, limit: float
    ) -> tuple[dict[str, Any] | None, Told, bool]:
        """Run a cell in the test kernel.

        Args:
            plan: of the cell.
            cell: gets its outputs.
            limit: seconds.

        Returns:
            The kernel's reply (None where it had to be interrupted itself), what it told, and
            whether the cell was over its limit.

        Raises:
            TestKernelLost: there is no such kernel any more.
        """
        if not cell.source.strip():  # IPython runs nothing then, and says nothing
            return {"status": "ok"}, Told("", "", 0), False
        self._order(
            reserved=sorted(plan.reserved),
            owned=sorted(plan.owned),
            shared=sorted(plan.shared),
            connect=self._new_channel is not None,
            test=cell.metadata.nbgrader.grade_id if plan.test else "",
        )
        if self._new_channel is not None:
            socket.send_fds(self._control, [b"c"], [self._new_channel.fileno()])
            self._new_channel.close()
            self._new_channel = None
        task = asyncio.create_task(self.test.run(cell))
        late = False
        for wait, act in (
            (limit, self.answer.interrupt),
            (GRACE, self._kill_answer),
            (GRACE, self.test.interrupt),
            (GRACE, None),
        ):
            done, _ = await asyncio.wait({task}, timeout=wait)
            if done:
                break
            late = True
            if act is not None:
                await act()
        else:
            task.cancel()
            raise TestKernelLost(None)
        try:
            reply = task.result()
        except (DeadKernelError, CellTimeoutError, BadMessage):
            raise TestKernelLost(self.test.manager.wait_death(STOP_WAIT)) from None
        return reply, await self._told(), late

    async def diagnose(self, catalogue: dict[str, Any], limit: float) -> dict[str, str]:
        """Names of the misconceptions that explain failed tests, by the tests' grade_ids.

        It is the last that the test kernel is asked; what goes wrong with it leaves no diagnosis.

        Args:
            catalogue: as `Tester.diagnose` reads it.
            limit: seconds.
        """
        order: dict[str, Any] = {"diagnose": catalogue, "connect": False}
        if len(json.dumps(order)) > _LINE:
            return {}
        try:
            self._order(**order)
            cell = new_code_cell("get_ipython()._grader.diagnose()")
            await asyncio.wait_for(self.test.run(cell), limit)
            return (await self._told()).diagnoses
        except (
            OSError,
            TimeoutError,
            TestKernelLost,
            DeadKernelError,
            CellTimeoutError,
            BadMessage,
        ):
            return {}

    async def _kill_answer(self) -> None:
        self.answer.manager.condemn(DeathReason.KILLED, "it could not be interrupted")

    def _order(self, **order: Any) -> None:
        common = {"classes": self._classes, "watched": self._watched, "test": "", "diagnose": None}
        self._control.sendall(json.dumps({**common, **order}).encode() + b"\n")

    async def _told(self) -> Told:
        """The line that follows a cell."""
        try:
            line = await asyncio.to_thread(self._read_line)
        except OSError:
            raise TestKernelLost(self.test.manager.wait_death(STOP_WAIT)) from None
        return Told(**json.loads(line))

    def _read_line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            part = self._control.recv(4096)
            if not part or len(line) > _LINE:
                raise OSError("closed")
            line += part
        return line
