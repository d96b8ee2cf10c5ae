"""Schedulers and workers as an instructor starts them, for tests; gone at the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
from distributed import get_worker

import grader

DASK = str(Path(sys.executable).with_name("dask"))
PATIENCE = 90.0
WORKER = ("--preload", "grader.farm.worker", "--nthreads", "1", "--memory-limit", "0")


@contextmanager
def scheduler(folder: Path, *options: str, extra: Mapping[str, str] | None = None) -> Iterator[str]:
    """`dask scheduler` on a free port of this machine; yields its address."""
    file = folder / f"scheduler-{time.monotonic_ns()}.json"
    command = [DASK, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    with program([*command, "--scheduler-file", str(file), *options], folder, extra) as process:
        wait(file.exists, process)
        yield json.loads(file.read_text())["address"]


@contextmanager
def worker(
    address: str, folder: Path, *options: str, extra: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """`dask worker` with the options that the instructors' page gives."""
    command = [DASK, "worker", address, *WORKER, "--no-dashboard", *options]
    with program([*command, "--local-directory", str(folder)], folder, extra) as process:
        yield process


@contextmanager
def program(
    command: Sequence[str], folder: Path, extra: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs in `folder` and is gone at the end, with all that it started."""
    path = os.pathsep.join([str(Path(grader.__file__).parents[1]), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, **(extra or {})}
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
    try:
        yield process
    finally:
        family = _family(process.pid)
        for each in family:
            if each.is_running():
                each.kill()
        process.wait(PATIENCE)
        psutil.wait_procs(family, timeout=20)


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def wait(condition: Callable[[], object], process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until `condition` holds, and fail where it cannot any more."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert process is None or process.poll() is None, "the program ended"
        assert time.monotonic() < until
        time.sleep(0.05)


def name_of_worker(_task: object) -> str:
    """The name of the worker that does this task."""
    return str(get_worker().name)


def slow_once(path: str) -> str:
    """Leave a mark at `path`; the first try of one that is called slow never ends."""
    file = Path(path)
    if file.exists():
        return "second try"
    file.touch()
    if file.name == "slow":
        time.sleep(600)
    return "first try"
