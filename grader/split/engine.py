"""The papermill engine `split`: two kernels, and an outcome for every test.

`papermill --engine split in.ipynb out.ipynb` works too, with default limits; the outcomes are
then found in the notebook's metadata under `grader`. Nobody has cleaned that notebook, and there is
no template: which of its cells are tests, and what they test, is what the notebook itself says.
"""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Collection
from typing import Any

import nbformat
from jupyter_core.utils import run_sync
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.engines import Engine, NotebookExecutionManager
from papermill.log import logger

from grader.course import Limits
from grader.errors import SandboxError, SandboxLost
from grader.release import NotebookTemplate
from grader.sandbox import DeathReason, SandboxMode, SandboxPolicy
from grader.split.client import BadMessage
from grader.split.kernels import STOP_WAIT, KernelPair, TestKernelLost, Told
from grader.split.outcomes import Diagnosis
from grader.split.plan import CellPlan, make_plan
from grader.split.recorder import KernelEnd, Recorder, test_ids

OWN_TEMPLATE = (
    "The tests are those in this notebook, as they stand in it: a changed one is run as "
    "changed, and hidden tests that a release left out are not run. To grade what a student handed "
    "in, run `grader grade ASSIGNMENT --student STUDENT`."
)
"""What a person who runs papermill alone is told."""
DIAGNOSIS_LIMIT = 60.0
"""Seconds, after all tests, for naming the misconceptions of one notebook."""
_NEARLY = 0.8
_SENTENCES = {
    DeathReason.MEMORY: "It used up the {memory:.3g} GiB of memory allowed.",
    DeathReason.WALL_CLOCK: "The notebook ran longer than the {total:g} s allowed in all.",
    DeathReason.OUTPUT: "It printed more than the {output:.3g} MiB allowed and was stopped.",
    DeathReason.EXITED: "The program ended (exit, a crash, or a signal).",
}
_UNRESPONSIVE = (
    "It ran longer than the {cell:g} s allowed for one cell and could not be interrupted."
)
_MALFORMED = "It sent something that no notebook sends, and was stopped."
_LOST = "A kernel was ended from outside while it ran: run `grader doctor`, then grade again."
_FIRST_SIGNAL = 128
"""Exit codes from here on, and negative ones, mean a signal, which anybody may have sent."""


class SplitEngine(Engine):
    """Runs every cell, whatever the ones before it did, and never trusts the student's kernel."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        recorder: Recorder | None = None,
        policy: SandboxPolicy | None = None,
        sandbox: SandboxMode | str = SandboxMode.BUBBLEWRAP,
        template: NotebookTemplate | None = None,
        instructor_files: Collection[str] | None = None,
        **_options: Any,
    ) -> None:
        """Called by papermill.

        Args:
            nb_man: the notebook, with parameters injected.
            kernel_name: ignored; the grader's own Python kernel is used.
            recorder: filled with outcomes.
            policy: what the answer kernel may see and use.
            sandbox: how both kernels are isolated.
            template: the instructor's copy of the notebook.
            instructor_files: targets of those files of `policy` that are the instructor's.

        Raises:
            SandboxError: a kernel could not be started or watched.
        """
        if recorder is None and test_ids(nb_man.nb):
            logger.warning(OWN_TEMPLATE)
        recorder = recorder or Recorder("", test_ids(nb_man.nb))
        policy = policy or SandboxPolicy(limits=Limits())
        plan = make_plan(nb_man.nb, template)
        pair = KernelPair(policy, SandboxMode(sandbox), plan, instructor_files)
        run = _Run(nb_man, recorder, pair, plan.cells, policy.limits, template)
        run_sync(run.execute)()
        nb_man.nb.metadata["grader"] = {
            "tests": [
                {"grade_id": test.grade_id, "outcome": test.outcome.value, "message": test.message}
                for test in recorder.result().tests
            ]
        }
        recorder.notebook_ended(nb_man.nb)


class _Ended(Exception):
    """The answer kernel was lost, and why."""

    def __init__(self, end: KernelEnd) -> None:
        self.end = end


class _Run:
    """One notebook on its way through two kernels."""

    def __init__(
        self,
        nb_man: NotebookExecutionManager,
        recorder: Recorder,
        pair: KernelPair,
        plan: tuple[CellPlan, ...],
        limits: Limits,
        template: NotebookTemplate | None,
    ) -> None:
        self._nb_man = nb_man
        self._recorder = recorder
        self._pair = pair
        self._plan = plan
        self._limits = limits
        self._template = template
        self._replayed = False

    async def execute(self) -> None:
        """Run cell after cell, to the end or to the second death of the answer kernel."""
        started = time.monotonic()
        with self._pair.open():
            try:
                await self._pair.start()
                self._recorder.kernel_start = time.monotonic() - started
                for plan in self._plan:
                    if not await self._run_cell(plan):
                        break
            except SandboxError as error:
                if self._pair.was_lost():
                    raise SandboxLost(str(error)) from None
                raise
            finally:
                await self._pair.settle()
                self._recorder.wall = time.monotonic() - started
                self._recorder.cpu = self._pair.cpu_seconds()
            await self._diagnose()
        self._recorder.peak_memory = self._pair.peak_memory
        self._recorder.peak_gpu_memory = self._pair.peak_gpu_memory

    async def _diagnose(self) -> None:
        """Name the misconceptions that explain failed tests, now that every test has ended."""
        failed = self._recorder.undiagnosed()
        if self._template is None or not (failed and self._template.misconceptions):
            return
        wrong = {variant.name: variant for variant in self._template.misconceptions}
        catalogue = {
            "tests": failed,
            "reference": self._template.solutions,
            "wrong": [(each.name, each.function, each.source) for each in wrong.values()],
        }
        found = await self._pair.diagnose(catalogue, DIAGNOSIS_LIMIT)
        for grade_id, name in found.items():
            if name in wrong and grade_id in failed:
                self._recorder.diagnosed(grade_id, Diagnosis(name, wrong[name].sentence))

    async def _run_cell(self, plan: CellPlan) -> bool:
        """Run one cell where it belongs; False once there is no answer kernel to go on with."""
        cell = self._nb_man.nb.cells[plan.index]
        if plan.marked:
            self._recorder.mark_where(cell.metadata.nbgrader.grade_id)
        self._nb_man.cell_start(cell, plan.index)
        started = time.monotonic()
        used = self._pair.cpu_seconds() if plan.test else 0.0
        end: KernelEnd | None = None
        try:
            if plan.test and not plan.marked:
                await self._test(plan, cell, started)
            else:
                await self._answer(plan, cell, started)
        except _Ended as ended:
            end = ended.end
        except TestKernelLost as lost:
            end = self._why_test_lost(lost)
        if plan.test:
            spent = self._pair.cpu_seconds() - used
            self._recorder.test_used(cell.metadata.nbgrader.grade_id, spent)
        self._nb_man.cell_complete(cell, plan.index)
        if end is None:
            return True
        duration = time.monotonic() - started
        final = not await self._replay(plan)
        self._recorder.kernel_ended(cell, plan.number, end, duration, final=final)
        return not final

    async def _answer(self, plan: CellPlan, cell: nbformat.NotebookNode, started: float) -> None:
        """A cell of the answer kernel, which an instructor's may run in the test kernel too."""
        if plan.tested:
            found = await asyncio.gather(
                self._run_in_answer(cell),
                self._pair.run_tested(plan, copy.deepcopy(cell), self._cell_limit),
                return_exceptions=True,
            )
            for error in reversed(found):  # the loss of both kernels is the greater one
                if isinstance(error, BaseException):
                    raise error
            reply: dict[str, Any] | None = found[0]
        else:
            reply = await self._run_in_answer(cell)
        duration = time.monotonic() - started
        if reply is None:
            limit = self._limits.cell_timeout
            self._recorder.cell_timed_out(cell, plan.number, limit, duration)
        else:
            self._recorder.cell_replied(cell, plan.number, reply, duration)

    @property
    def _cell_limit(self) -> float:
        return self._limits.cell_timeout

    async def _test(self, plan: CellPlan, cell: nbformat.NotebookNode, started: float) -> None:
        """A test, in the test kernel."""
        if plan.answer:
            visible = copy.deepcopy(cell)
            visible.source = plan.answer
            await self._run_in_answer(visible)
            started = time.monotonic()
        reply, told, late = await self._pair.run_tested(plan, cell, self._cell_limit)
        duration = time.monotonic() - started
        if told.broken == "AnswerGone":
            raise _Ended(self._why_gone(told, late))
        if late or told.broken:
            limit = self._limits.cell_timeout
            self._recorder.cell_timed_out(cell, plan.number, limit, duration)
            if self._pair.answer_death() is not None and not await self._replay(plan):
                raise _Ended(KernelEnd(self._sentence(_UNRESPONSIVE), timed_out=True))
        else:
            quotable = told.quotable
            self._recorder.cell_replied(cell, plan.number, reply or {}, duration, quotable=quotable)

    async def _run_in_answer(self, cell: nbformat.NotebookNode) -> dict[str, Any] | None:
        """Run a cell in the answer kernel; its reply, None where it was interrupted.

        Raises:
            _Ended: the kernel is gone.
        """
        end: KernelEnd
        try:
            reply = await self._pair.answer.run(cell)
            if not _asks_to_exit(reply):
                return reply
            end = KernelEnd(_SENTENCES[DeathReason.EXITED])
        except CellTimeoutError:
            end = KernelEnd(self._sentence(_UNRESPONSIVE), timed_out=True)
        except BadMessage:
            end = KernelEnd(_MALFORMED)
        except DeadKernelError:
            end = self._how_it_ended()
        self._pair.answer.manager.condemn(DeathReason.KILLED, end.sentence)
        raise _Ended(end)

    async def _replay(self, plan: CellPlan) -> bool:
        """Start another answer kernel and bring it to where the lost one was, once.

        Returns:
            Whether there is one to go on with.
        """
        death = self._pair.answer_death()
        over = death is not None and death.reason is DeathReason.WALL_CLOCK
        if self._replayed or over:
            return False
        self._replayed = True
        both = self._pair.test_is_lost()
        await (self._pair.restart() if both else self._pair.restart_answer())
        try:
            for earlier in self._plan:
                if earlier.index >= plan.index:
                    break
                cell = copy.deepcopy(self._nb_man.nb.cells[earlier.index])
                cell.source = earlier.answer
                if earlier.answer:
                    await self._run_in_answer(cell)
                if both and earlier.tested and not earlier.test:
                    await self._pair.run_tested(earlier, cell, self._cell_limit)
        except (_Ended, TestKernelLost):
            return False
        return True

    def _why_gone(self, told: Told, late: bool) -> KernelEnd:
        """Why the test kernel lost the answer kernel."""
        if late:
            return KernelEnd(self._sentence(_UNRESPONSIVE), timed_out=True)
        if "protocol" in told.why:
            self._pair.answer.manager.condemn(DeathReason.KILLED, _MALFORMED)
            return KernelEnd(_MALFORMED)
        death = self._pair.answer_death(STOP_WAIT / 10)
        if death is None:  # it lives, and has closed the channel
            self._pair.answer.manager.condemn(DeathReason.KILLED, _MALFORMED)
            return KernelEnd(_MALFORMED)
        return self._how_it_ended()

    def _why_test_lost(self, lost: TestKernelLost) -> KernelEnd:
        """Why there is no test kernel any more: what a test computes depends on the student too."""
        self._pair.test.manager.condemn(DeathReason.KILLED, "it is of no more use")
        self._pair.test.manager.wait_death(STOP_WAIT)
        if lost.death is None or lost.death.reason is DeathReason.KILLED:
            return KernelEnd(self._sentence(_UNRESPONSIVE), timed_out=True)
        reason = lost.death.reason
        if reason is DeathReason.LOST:
            raise SandboxLost(_LOST)
        return KernelEnd(
            self._sentence(_SENTENCES[reason]),
            timed_out=reason is DeathReason.WALL_CLOCK,
            unexplained=reason is DeathReason.EXITED,
        )

    def _how_it_ended(self) -> KernelEnd:
        """Why the answer kernel is gone, in words for the student.

        Raises:
            SandboxError: we killed it, since it could not be watched.
        """
        manager = self._pair.answer.manager
        death = manager.wait_death(STOP_WAIT)
        reason = death.reason if death else DeathReason.EXITED
        if reason is DeathReason.LOST:
            raise SandboxLost(_LOST)
        if death and reason is DeathReason.KILLED:
            raise SandboxError(f"The kernel was lost: {death.sentence}; run `grader doctor`.")
        if reason is DeathReason.EXITED and manager.peak_memory > _NEARLY * self._limits.memory:
            reason = DeathReason.MEMORY  # libraries that get no memory often just abort
        code = death.exit_code if death else None
        by_itself = code is not None and 0 <= code < _FIRST_SIGNAL
        return KernelEnd(
            self._sentence(_SENTENCES[reason]),
            timed_out=reason is DeathReason.WALL_CLOCK,
            unexplained=reason is DeathReason.EXITED and not by_itself,
        )

    def _sentence(self, template: str) -> str:
        limits = self._limits
        return template.format(
            memory=limits.memory / 2**30,
            output=limits.output / 2**20,
            total=limits.notebook_timeout,
            cell=limits.cell_timeout,
        )


def _asks_to_exit(reply: dict[str, Any] | None) -> bool:
    """Whether a cell called quit(): the kernel would run some more cells before it is gone."""
    payload = (reply or {}).get("payload")
    return isinstance(payload, list) and any(
        isinstance(item, dict) and item.get("source") == "ask_exit" for item in payload
    )
