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
from grader.errors import SandboxError
from grader.sandbox import (
    DeathReason,
    SandboxMode,
    SandboxPolicy,
    WatchedKernelManager,
    open_kernel,
)
from grader.split.client import BadMessage, GradedClient
from grader.split.recorder import KernelEnd, Recorder, test_ids

_STOP_WAIT = 10.0
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
_FIRST_SIGNAL = 128
"""Exit codes from here on, and negative ones, mean a signal, which anybody may have sent."""


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
            SandboxError: the kernel could not be started or watched.
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
        # the cell that papermill adds is none of the student's
        number += "injected-parameters" not in cell.metadata.get("tags", [])
        nb_man.cell_start(cell, index)
        started = time.monotonic()
        end: KernelEnd | None = None
        reply: dict[str, Any] | None = None
        try:
            reply = await client.run_cell(cell, index)
            if _asks_to_exit(reply):
                end = KernelEnd(_SENTENCES[DeathReason.EXITED])
        except CellTimeoutError:
            end = KernelEnd(_UNRESPONSIVE.format(cell=limits.cell_timeout), timed_out=True)
        except BadMessage:
            end = KernelEnd(_MALFORMED)
        except DeadKernelError:
            end = _how_it_ended(manager, limits)
        nb_man.cell_complete(cell, index)
        duration = time.monotonic() - started
        if end is not None:
            manager.condemn(DeathReason.KILLED, end.sentence)
            recorder.kernel_ended(cell, number, end, duration)
            return
        if reply is None:
            recorder.cell_timed_out(cell, number, limits.cell_timeout, duration)
        else:
            recorder.cell_replied(cell, number, reply, duration)


def _asks_to_exit(reply: dict[str, Any] | None) -> bool:
    """Whether a cell called quit(): the kernel would run some more cells before it is gone."""
    payload = (reply or {}).get("payload")
    return isinstance(payload, list) and any(
        isinstance(item, dict) and item.get("source") == "ask_exit" for item in payload
    )


def _how_it_ended(manager: WatchedKernelManager, limits: Limits) -> KernelEnd:
    """Why the kernel is gone, in words for the student.

    Raises:
        SandboxError: we killed it, since it could not be watched.
    """
    death = manager.wait_death(_STOP_WAIT)
    reason = death.reason if death else DeathReason.EXITED
    if death and reason is DeathReason.KILLED:
        raise SandboxError(f"The kernel was lost: {death.sentence}; run `grader doctor`.")
    if reason is DeathReason.EXITED and manager.peak_memory > _NEARLY * limits.memory:
        reason = DeathReason.MEMORY  # libraries that get no memory often just abort
    sentence = _SENTENCES[reason].format(
        memory=limits.memory / 2**30, output=limits.output / 2**20, total=limits.notebook_timeout
    )
    code = death.exit_code if death else None
    by_itself = code is not None and 0 <= code < _FIRST_SIGNAL
    return KernelEnd(
        sentence,
        timed_out=reason is DeathReason.WALL_CLOCK,
        unexplained=reason is DeathReason.EXITED and not by_itself,
    )
