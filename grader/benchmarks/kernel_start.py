"""What a kernel costs before it runs anything: cold against warm, and an empty submission.

Prints seconds from the order to the first reply, and memory that belongs to the kernel alone, for
kernels that hold nothing, NumPy, or PyTorch; then wall seconds of a notebook without cells over two
warm kernels. Medians; the start of the zygote is not counted, since it is paid once a worker.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path

import nbformat

from grader.sandbox import SandboxMode, SandboxPolicy, open_kernel
from grader.sandbox.process import SandboxProcess
from grader.split import run_notebook

TURNS = 9
KINDS = {"nothing": (), "NumPy": ("numpy",), "PyTorch": ("torch",)}


def main() -> None:
    """Measure in turns."""
    for kind, modules in KINDS.items():
        found: dict[str, list[tuple[float, float]]] = {"cold": [], "warm": []}
        code = "\n".join(f"import {module}" for module in modules)
        for turn in range(TURNS + 1):
            for way, taken in found.items():
                policy = SandboxPolicy(preload=modules if way == "warm" else None)
                measured = asyncio.run(_start(policy, code))
                if turn:  # the first one starts the zygote
                    taken.append(measured)
        cold, warm = (statistics.median(seconds for seconds, _ in found[way]) for way in found)
        own = statistics.median(memory for _, memory in found["warm"])
        print(
            f"{kind:8} cold {cold:5.2f} s, warm {warm:5.3f} s, ratio {cold / warm:4.1f}; "
            f"{own:3.0f} MB of its own when warm",
            flush=True,
        )
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    empty = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    policy = SandboxPolicy(preload=("numpy",))
    walls = []
    for _ in range(TURNS + 1):
        started = time.perf_counter()
        run_notebook("empty", empty, policy, SandboxMode.BUBBLEWRAP)
        walls.append(time.perf_counter() - started)
    print(f"an empty submission: {statistics.median(walls[1:]):.3f} s over two warm kernels")


async def _start(policy: SandboxPolicy, code: str) -> tuple[float, float]:
    """Seconds until a kernel with the modules of `code` answers, and its private memory in MB."""
    with open_kernel(SandboxMode.BUBBLEWRAP, policy) as manager:
        started = time.perf_counter()
        await manager.start_kernel()
        client = manager.client()
        client.start_channels(hb=False, stdin=False)
        client.execute(code, silent=True)
        await client.shell_channel.get_msg(timeout=60)
        taken = time.perf_counter() - started
        process = manager.provisioner.process
        assert isinstance(process, SandboxProcess)
        return taken, _private(process.kernel)


def _private(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1000


if __name__ == "__main__":
    main()
