"""What the split costs: each assignment's reference notebook over two kernels against one.

Both run the same cells in the same sandbox, in turns, from the start of the kernels to their end;
all kernels are warm, as when a class is graded. Prints wall seconds, the better of each, and their
ratio.
"""

from __future__ import annotations

import asyncio
import sys
import time

import nbformat

from grader.course import Limits
from grader.farm.preload import imported_modules
from grader.release.names import import_statements
from grader.sandbox import SandboxMode, SandboxPolicy, open_kernel
from grader.split import Outcome, run_notebook
from grader.split.client import GradedClient
from grader.tests.assignments.harness import ASSIGNMENTS, reference

TURNS = 3
LIMITS = Limits(cell_timeout=120.0, notebook_timeout=600.0)


def main() -> None:
    """Measure the assignments named on the command line, or all."""
    sums = [0.0, 0.0]
    for name in sys.argv[1:] or ASSIGNMENTS:
        notebook = reference(name)
        codes = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        modules = imported_modules(line for code in codes for line in import_statements(code))
        policy = SandboxPolicy(limits=LIMITS, preload=modules)
        walls: list[list[float]] = [[], []]
        for turn in range(TURNS + 1):
            for way, wall in zip((_one_kernel, _two_kernels), walls, strict=True):
                started = time.perf_counter()
                way(name, notebook, policy)
                if turn:  # the first one starts the zygotes
                    wall.append(time.perf_counter() - started)
        one, two = map(min, walls)
        sums = [sums[0] + one, sums[1] + two]
        print(
            f"{name:32} one kernel {one:5.2f} s, split {two:5.2f} s, ratio {two / one:4.2f}",
            flush=True,
        )
    print(f"ratio of the sums: {sums[1] / sums[0]:.2f}")


def _two_kernels(name: str, notebook: nbformat.NotebookNode, policy: SandboxPolicy) -> None:
    result = run_notebook(name, notebook, policy, SandboxMode.BUBBLEWRAP)
    assert all(test.outcome is Outcome.PASSED for test in result.tests), result.tests


def _one_kernel(_name: str, notebook: nbformat.NotebookNode, policy: SandboxPolicy) -> None:
    asyncio.run(_run_in_one(notebook, policy))


async def _run_in_one(notebook: nbformat.NotebookNode, policy: SandboxPolicy) -> None:
    with open_kernel(SandboxMode.BUBBLEWRAP, policy) as manager:
        client = GradedClient(nbformat.from_dict(notebook), manager, policy.limits)
        await client.start()
        manager.start_clock()
        for index, cell in enumerate(client.nb.cells):
            if cell.cell_type == "code":
                reply = await client.run_cell(cell, index)
                assert (reply or {}).get("status") == "ok", reply


if __name__ == "__main__":
    main()
