"""What the split costs: each assignment's reference notebook over two kernels against one.

Both run the same cells in the same sandbox, in turns, from the start of the kernels to their end.
Prints wall seconds, the better of each, and their ratio; and CPU seconds, since two kernels that
start at once cost a busy machine more than an idle one.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import Callable

import nbformat

from grader.course import Limits
from grader.sandbox import SandboxMode, SandboxPolicy, open_kernel
from grader.split import Outcome, run_notebook
from grader.split.client import GradedClient
from grader.tests.assignments.harness import ASSIGNMENTS, reference

TURNS = 3
POLICY = SandboxPolicy(limits=Limits(cell_timeout=120.0, notebook_timeout=600.0))


def main() -> None:
    """Measure the assignments named on the command line, or all."""
    sums = [0.0, 0.0]
    for name in sys.argv[1:] or ASSIGNMENTS:
        notebook = reference(name)
        ways: list[Callable[[str, nbformat.NotebookNode], None]] = [_one_kernel, _two_kernels]
        walls: list[list[float]] = [[], []]
        cpus: list[list[float]] = [[], []]
        for _ in range(TURNS):
            for way, wall, cpu in zip(ways, walls, cpus, strict=True):
                before, started = _cpu(), time.perf_counter()
                way(name, notebook)
                wall.append(time.perf_counter() - started)
                cpu.append(_cpu() - before)
        one, two = map(min, walls)
        sums = [sums[0] + one, sums[1] + two]
        print(
            f"{name:32} one kernel {one:5.2f} s, split {two:5.2f} s, ratio {two / one:4.2f}; "
            f"CPU {min(cpus[0]):5.2f} s and {min(cpus[1]):5.2f} s",
            flush=True,
        )
    print(f"ratio of the sums: {sums[1] / sums[0]:.2f}")


def _cpu() -> float:
    """CPU seconds of this process and of all its children that have ended."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(kind)[:2]) for kind in kinds)


def _two_kernels(name: str, notebook: nbformat.NotebookNode) -> None:
    result = run_notebook(name, notebook, POLICY, SandboxMode.BUBBLEWRAP)
    assert all(test.outcome is Outcome.PASSED for test in result.tests), result.tests


def _one_kernel(_name: str, notebook: nbformat.NotebookNode) -> None:
    asyncio.run(_run_in_one(notebook))


async def _run_in_one(notebook: nbformat.NotebookNode) -> None:
    with open_kernel(SandboxMode.BUBBLEWRAP, POLICY) as manager:
        client = GradedClient(nbformat.from_dict(notebook), manager, POLICY.limits)
        await client.start()
        manager.start_clock()
        for index, cell in enumerate(client.nb.cells):
            if cell.cell_type == "code":
                reply = await client.run_cell(cell, index)
                assert (reply or {}).get("status") == "ok", reply


if __name__ == "__main__":
    main()
