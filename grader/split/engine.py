"""The papermill engine `graded`: an isolated kernel, and an outcome for every test.

`papermill --engine graded in.ipynb out.ipynb` works too, with default limits; the outcomes are
then found in the notebook's metadata under `grader`.
"""

from __future__ import annotations

import time
from typing import Any

from jupyter_core.utils import run_sync
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.engines import Engine, NotebookExecutionManager

from grader.course import Limits
from grader.sandbox import (
    DeathReason,
    SandboxMode,
    SandboxPolicy,
    WatchedKernelManager,
    open_kernel,
)
from grader.split.client import GradedClient
from grader.split.recorder import Recorder, test_ids

_STOP_WAIT = 10.0
_NEARLY = 0.8
_SENTENCES = {
    DeathReason.MEMORY: "It used up the {memory:.3g} GiB of memory allowed.",
    DeathReason.WALL_CLOCK: "The notebook ran longer than the {total:g} s allowed in all.",
    DeathReason.OUTPUT: "It printed more than the {output:.3g} MiB allowed and was stopped.",
    DeathReason.EXITED: "Python ended (exit, a crash, or a signal).",
}
_UNRESPONSIVE = (
    "It ran longer than the {cell:g} s allowed for one cell and could not be interrupted."
)


class GradedEngine(Engine):
    """Runs every cell, whatever the ones before it did, and never trusts the kernel's word."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        recorder: Recorder | None = None,
        policy: SandboxPolicy | None = None,
        sandbox: SandboxMode | str = SandboxMode.BUBBLEWRAP,
        **_options: Any,
    ) -> None:
        """Called by papermill.

        Args:
            nb_man: the notebook, with parameters injected.
            kernel_name: ignored; the grader's own Python kernel is used.
            recorder: filled with outcomes.
            policy: what the kernel may see and use.
            sandbox: how it is isolated.

        Raises:
            SandboxError: the kernel could not be started.
        """
        recorder = recorder or Recorder("", test_ids(nb_man.nb))
        policy = policy or SandboxPolicy(limits=Limits())
        run_sync(_execute)(nb_man, recorder, policy, SandboxMode(sandbox))
        nb_man.nb.metadata["grader"] = {
            "tests": [
                {"grade_id": test.grade_id, "outcome": test.outcome.value, "message": test.message}
                for test in recorder.result().tests
            ]
        }
        recorder.notebook_ended(nb_man.nb)


async def _execute(
    nb_man: NotebookExecutionManager, recorder: Recorder, policy: SandboxPolicy, mode: SandboxMode
) -> None:
    started = time.monotonic()
    with open_kernel(mode, policy) as manager:
        client = GradedClient(nb_man.nb, manager, policy.limits)
        try:
            await client.start()
            recorder.kernel_start = time.monotonic() - started
            manager.start_clock()
            await _run_cells(nb_man, client, recorder, manager, policy.limits)
        finally:
            client.stop()
            recorder.wall = time.monotonic() - started
    recorder.peak_memory = manager.peak_memory


async def _run_cells(
    nb_man: NotebookExecutionManager,
    client: GradedClient,
    recorder: Recorder,
    manager: WatchedKernelManager,
    limits: Limits,
) -> None:
    """Run cell after cell until the end or the death of the kernel."""
    number = 0
    for index, cell in enumerate(nb_man.nb.cells):
        if cell.cell_type != "code":
            continue
        number += 1
        nb_man.cell_start(cell, index)
        started = time.monotonic()
        try:
            reply = await client.run_cell(cell, index)
        except CellTimeoutError:
            reason = _UNRESPONSIVE.format(cell=limits.cell_timeout)
            manager.condemn(DeathReason.KILLED, reason)
            recorder.kernel_ended(cell, number, reason, time.monotonic() - started, timed_out=True)
            return
        except DeadKernelError:
            reason, timed_out = _death_sentence(manager, limits)
            duration = time.monotonic() - started
            recorder.kernel_ended(cell, number, reason, duration, timed_out)
            return
        finally:
            nb_man.cell_complete(cell, index)
        duration = time.monotonic() - started
        if reply is None:
            recorder.cell_timed_out(cell, number, limits.cell_timeout, duration)
        else:
            recorder.cell_replied(cell, number, reply, duration)


def _death_sentence(manager: WatchedKernelManager, limits: Limits) -> tuple[str, bool]:
    """Why the kernel is gone, for the student, and whether time was the reason."""
    death = manager.wait_death(_STOP_WAIT)
    reason = death.reason if death else DeathReason.EXITED
    if reason is DeathReason.EXITED and manager.peak_memory > _NEARLY * limits.memory:
        reason = DeathReason.MEMORY  # libraries that get no memory often just abort
    sentence = _SENTENCES.get(reason, _SENTENCES[DeathReason.EXITED]).format(
        memory=limits.memory / 2**30, output=limits.output / 2**20, total=limits.notebook_timeout
    )
    return sentence, reason is DeathReason.WALL_CLOCK
