"""Two kernels that start: the student's cells need not wait for the test kernel."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from grader.errors import SandboxError
from grader.split import Outcome
from grader.split.kernel import Kernel
from grader.tests.split.notebooks import check, outcomes, run, solution

pytestmark = pytest.mark.usefixtures("needs_bubblewrap")

CELLS = (solution("s", "x = 1"), check("t", "assert x == 1"))


def test_a_test_kernel_that_does_not_start_is_a_fault_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start, gone = Kernel.start, []

    async def started(kernel: Any, module: str, number: int, *more: Any) -> None:
        if module == "tester":
            raise SandboxError("There is no room for a test kernel.")
        await start(kernel, module, number, *more)
        gone.append(kernel.manager)

    monkeypatch.setattr(Kernel, "start", started)
    with pytest.raises(SandboxError, match="no room for a test kernel"):
        run(*CELLS)
    (answer,) = gone
    assert answer.death is not None


def test_students_cells_run_while_the_test_kernel_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    start, execute, order = Kernel.start, Kernel.run, []
    answered = asyncio.Event()

    async def started(kernel: Any, module: str, number: int, *more: Any) -> None:
        if module == "tester":
            await asyncio.wait_for(answered.wait(), 60)
        await start(kernel, module, number, *more)
        order.append(module)

    async def executed(kernel: Any, cell: Any) -> Any:
        reply = await execute(kernel, cell)
        order.append(cell.source)
        answered.set()
        return reply

    monkeypatch.setattr(Kernel, "start", started)
    monkeypatch.setattr(Kernel, "run", executed)
    assert outcomes(run(*CELLS)) == {"t": Outcome.PASSED}
    assert order == ["agent", "x = 1", "tester", "assert x == 1"]
