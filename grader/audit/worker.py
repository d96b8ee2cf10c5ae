"""A warm process that runs versions of a notebook, each in a fresh copy of itself.

`python -m grader.audit.worker` reads one JSON request a line and answers each with one line. It
imports what the reference notebook imports and then only forks, so that a version costs no
import, finds no trace of another, and can be stopped when it loops or takes too much memory.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import select
import signal
import sys
import time
import warnings
from typing import Any

from grader.audit.runner import Cell, run_cells

_STARTUP = 5
"""Seconds of CPU time that a run may take besides its slowest cell."""


def serve() -> None:
    """Answer requests until there are no more.

    `{"import": [...]}` makes the process warmer. Any other request is a job as
    `grader.audit.pool.Job` writes it; the answer has the `runs` that came to their end, and in
    `ended` why the others did not.
    """
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    requests = os.fdopen(os.dup(0), "r")
    os.dup2(quiet, 0)
    warnings.simplefilter("ignore")
    for line in requests:
        request = json.loads(line)
        if "import" in request:
            _import(request["import"])
            reply: dict[str, Any] = {"imported": len(sys.modules)}
        else:
            reply = _fork(request)
        replies.write(json.dumps(reply) + "\n")


def _import(names: list[str]) -> None:
    for name in names:
        # some modules exist only under conditions that hold in a run
        with contextlib.suppress(BaseException):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is here now need not be walked, and so copied, in every child


def _fork(job: dict[str, Any]) -> dict[str, Any]:
    """Run a job in a copy of this process; returns what it managed, however it ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status = 1
        try:
            with os.fdopen(writing, "w") as pipe:
                _run(job, pipe)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    deadline = time.monotonic() + job["wall_limit"]
    lines, in_time = _read_all(reading, deadline)
    if not in_time:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    replies = [json.loads(line) for line in lines]
    reply = {
        "runs": [reply["run"] for reply in replies if "run" in reply],
        "modules": next((reply["modules"] for reply in replies if "modules" in reply), []),
        "ended": next((reply["ended"] for reply in replies if "ended" in reply), ""),
    }
    if not in_time or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        reply["ended"] = "it ran for too long"
    elif status != 0:
        reply["ended"] = reply["ended"] or "the process died"
    return reply


def _read_all(descriptor: int, deadline: float) -> tuple[list[bytes], bool]:
    """The complete lines that come before the other end closes, and whether it did in time."""
    content = b""
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        while (left := deadline - time.monotonic()) > 0:
            if select.select([pipe], [], [], left)[0]:
                chunk = pipe.read(1 << 16)
                if not chunk:
                    return content.split(b"\n")[:-1], True
                content += chunk
    return content.split(b"\n")[:-1], False


def _run(job: dict[str, Any], pipe: Any) -> None:
    os.chdir(job["folder"])
    if job["parameters"].get("DEVICE") == "cuda":
        missing = _no_gpu()
        if missing:
            pipe.write(json.dumps({"ended": missing}) + "\n")
            return
    elif job["memory"]:
        room = _address_space() + job["memory"]
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
    cells = [Cell(**cell) for cell in job["cells"]]
    for seed in job["seeds"]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime + 3 * job["cell_limit"] + _STARTUP)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        run = run_cells(
            cells,
            job["tests"],
            seed=seed,
            parameters=job["parameters"],
            cell_limit=job["cell_limit"],
            watch=job["watch"],
        )
        pipe.write(json.dumps({"run": run.to_json()}) + "\n")
        pipe.flush()
    if job["list_modules"]:
        pipe.write(json.dumps({"modules": sorted(sys.modules)}) + "\n")


def _no_gpu() -> str:
    try:
        import torch
    except ImportError:
        return "no GPU here"
    return "" if torch.cuda.is_available() else "no GPU here"


def _address_space() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    serve()
