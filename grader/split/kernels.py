"""Two kernels for one notebook, and what passes between the grader and each of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import select
import socket
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import nbformat
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_code_cell

from grader.errors import SandboxError
from grader.sandbox import (
    Death,
    DeathReason,
    SandboxMode,
    SandboxPolicy,
    WatchedKernelManager,
    open_kernel,
)
from grader.sandbox.cores import OneCore
from grader.split.bridge.wire import read_line
from grader.split.client import BadMessage
from grader.split.kernel import Kernel, with_bridge
from grader.split.plan import CellPlan, NotebookPlan

STOP_WAIT = 10.0  # seconds for the last of a killed kernel to be gone
GRACE = 2.0  # seconds that an interrupted side has to end
MARGIN = 30.0  # seconds and more that the test kernel has over what its cells may take
_TOGETHER = 1.0  # seconds of a test; one that computes for longer may want a core of its own
_LINE = 2**20


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
    diagnoses: dict[str, str] = field(default_factory=dict)
    """Names of misconceptions by the grade_id of the test, after `KernelPair.diagnose`."""
    quotable: bool = True
    """What ended the cell quotes nothing that a student may not read."""


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
        self._policy = with_bridge(policy)
        files = tuple(
            file
            for file in policy.files
            if instructor_files is None or file.target in instructor_files
        )
        limits = replace(
            policy.limits,
            # `run_tested` is the one that ends a cell
            cell_timeout=policy.limits.cell_timeout + MARGIN,
            notebook_timeout=2 * policy.limits.notebook_timeout + MARGIN,
        )
        self._test_policy = replace(self._policy, files=files, limits=limits)
        self._mode = mode
        self._deadline: float | None = None
        self._prelude = plan.prelude
        self._classes = None if plan.classes is None else sorted(plan.classes)
        self._watched = sorted(plan.watched)
        self._overrides = None if plan.overrides is None else sorted(plan.overrides)
        self._shown = plan.shown
        self._stack = ExitStack()
        self._answer_stack = ExitStack()
        self._new_channel: socket.socket | None = None
        self.answer: Kernel
        self.test: Kernel
        self._starting: asyncio.Task[None] | None = None
        # of kernels that others replaced, too
        self._answers: list[WatchedKernelManager] = []
        self._tests: list[WatchedKernelManager] = []

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Both kernels are gone for good at the end of the block."""
        try:
            yield
        finally:
            for manager in (*self._answers, *self._tests):  # all at once, then wait for each
                manager.condemn(DeathReason.KILLED, "stopped by the grader")
            self._close_answer()
            self._stack.close()

    async def start(self) -> None:
        """Start both at once; returns when the answer kernel is there, which comes first.

        Raises:
            SandboxError: it did not start, for a reason that is ours.
        """
        self._starting = asyncio.create_task(self._start_test())
        await self._start_answer()
        if self._deadline is None:
            self._deadline = time.monotonic() + self._policy.limits.notebook_timeout

    async def settle(self) -> None:
        """Wait for a start that goes on; who needs the test kernel hears how it went."""
        if self._starting is not None:
            await asyncio.wait({self._starting})
            self._starting.exception()

    async def _start_test(self) -> None:
        ours, theirs = socket.socketpair()
        self._stack.callback(ours.close)
        ours.settimeout(STOP_WAIT)
        self._control = ours
        with theirs:
            opened = open_kernel(self._mode, self._test_policy, [theirs.fileno()])
            manager = self._stack.enter_context(opened)
            self._tests.append(manager)
            self.test = Kernel(manager, self._test_policy, self._mode)
            await self.test.start("tester", theirs.fileno(), list(self._prelude))
        self._shown_later = self._shown

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
            self._answers.append(manager)
            self.answer = Kernel(manager, policy, self._mode)
            await self.answer.start("agent", theirs.fileno())

    def cpu_seconds(self) -> float:
        """CPU time, user and system, of both kernels and of those that they replaced."""
        return sum(manager.cpu_seconds() for manager in (*self._answers, *self._tests))

    def was_lost(self) -> bool:
        """Whether one of them was ended from outside."""
        deaths = [manager.death for manager in (*self._answers, *self._tests)]
        return any(death is not None and death.reason is DeathReason.LOST for death in deaths)

    def _close_answer(self) -> None:
        if self._new_channel is not None:
            self._new_channel.close()
            self._new_channel = None
        self._answer_stack.close()
        self._answer_stack = ExitStack()

    @property
    def peak_memory(self) -> int:
        """The most that an answer kernel and all it started were seen to use, in bytes."""
        return max((manager.peak_memory for manager in self._answers), default=0)

    @property
    def peak_gpu_memory(self) -> int:
        """The same of the graphics card's memory."""
        return max((manager.peak_gpu_memory for manager in self._answers), default=0)

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
        await self.settle()
        self._close_answer()
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
            SandboxError: it did not start, for a reason that is ours.
        """
        if not cell.source.strip():  # IPython runs nothing then, and says nothing
            return {"status": "ok"}, Told("", ""), False
        await self._started()
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
        together = self._on_one_core() if plan.test else None
        try:
            late = await self._wait(task, limit)
        finally:
            if together is not None:
                together.end()
        try:
            reply = task.result()
        except (DeadKernelError, CellTimeoutError, BadMessage):
            raise TestKernelLost(self.test.manager.wait_death(STOP_WAIT)) from None
        return reply, await self._told(), late

    async def _started(self) -> None:
        await self.settle()
        if self._starting is not None:
            self._starting.result()

    async def _wait(self, task: asyncio.Task[Any], limit: float) -> bool:
        """Wait for a cell of the test kernel, and end it at its limit; whether that was needed."""
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
        return late

    def _on_one_core(self) -> OneCore | None:
        """A test's questions are many and short: while both take turns they share a core."""
        pids = self.answer.manager.pid, self.test.manager.pid
        if None in pids or self._policy.limits.cpus > 1 or self._policy.devices:
            return None
        together = OneCore([pid for pid in pids if pid is not None])
        asyncio.get_running_loop().call_later(_TOGETHER, together.end)
        return together

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
            await self._started()
            self._order(**order)
            cell = new_code_cell("get_ipython()._grader.diagnose()")
            await asyncio.wait_for(self.test.run(cell), limit)
            return (await self._told()).diagnoses
        except (
            OSError,
            TimeoutError,
            SandboxError,
            TestKernelLost,
            DeadKernelError,
            CellTimeoutError,
            BadMessage,
        ):
            return {}

    async def _kill_answer(self) -> None:
        self.answer.manager.condemn(DeathReason.KILLED, "it could not be interrupted")

    def _order(self, **order: Any) -> None:
        common = {
            "classes": self._classes,
            "watched": self._watched,
            "overrides": self._overrides,
            "test": "",
            "diagnose": None,
        }
        shown, self._shown_later = self._shown_later, ()  # once to each test kernel
        text = json.dumps({**common, "shown": shown, **order})
        self._control.sendall(text.encode() + b"\n")

    async def _told(self) -> Told:
        """The line that follows a cell."""
        try:
            if select.select([self._control], [], [], 0)[0]:  # as a rule; a thread takes longer
                line = read_line(self._control, _LINE)
            else:
                line = await asyncio.to_thread(read_line, self._control, _LINE)
        except OSError:  # closed, or silent for longer than `STOP_WAIT`
            raise TestKernelLost(self.test.manager.wait_death(STOP_WAIT)) from None
        return Told(**json.loads(line))
