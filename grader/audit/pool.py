"""Many versions of a notebook over a few warm processes, with what ran before kept."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.metadata import (
    PackageNotFoundError,
    packages_distributions,
    requires,
    version,
)
from pathlib import Path
from typing import Any

from grader.audit import altered, runner, worker
from grader.audit.runner import Cell, Run
from grader.errors import GraderError, StorageError

_WALL = 120.0
"""Seconds until a job is stopped whatever its CPU time; it may be asleep, or the machine busy."""


@dataclass(frozen=True)
class Job:
    """One version of a notebook, and what to run of it.

    Attributes:
        cells: the code cells, in order.
        tests: grade_ids of the tests to run.
        seeds: one run for each; None leaves the notebook's own.
        parameters: names to set after the cell tagged `parameters`.
        cell_limit: seconds of CPU time for one cell.
        memory: bytes that the process may grow; 0 for no limit.
        data: digest of the data files.
        watch: take down the numbers that tests expect, and what changes in place.
        list_modules: report what was imported.
    """

    cells: tuple[Cell, ...]
    tests: tuple[str, ...]
    seeds: tuple[int | None, ...] = (None,)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    cell_limit: float = 20.0
    memory: int = 0
    data: str = ""
    watch: bool = False
    list_modules: bool = False

    @cached_property
    def key(self) -> str:
        """Changes with anything that could change the answer, except the machine's speed."""
        imported = [imported_versions(cell.source) for cell in self.cells]
        said = json.dumps(
            [_PYTHON, _code(), imported, {**asdict(self), "cell_limit": None}],
            sort_keys=True,
            default=str,
        )
        return hashlib.sha256(said.encode()).hexdigest()


@dataclass(frozen=True)
class Answer:
    """What became of a job.

    Attributes:
        runs: one for each seed that came to its end.
        ended: why there are no more, or "".
        modules: what was imported, if the job asked.
    """

    runs: tuple[Run, ...]
    ended: str = ""
    modules: tuple[str, ...] = ()


class Store:
    """Answers of earlier jobs, one line of JSON each, so that a stopped audit goes on.

    Args:
        path: the file.
        recall: whether to use what it holds; else it is only added to.
    """

    def __init__(self, path: Path, *, recall: bool = True) -> None:
        self.path = path
        self._known: dict[str, dict[str, Any]] = {}
        self._used: set[str] = set()
        self._lock = threading.Lock()
        if recall and path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(ValueError, KeyError):  # the last line of a killed run
                    entry = json.loads(line)
                    self._known[entry["key"]] = entry["answer"]

    def get(self, key: str) -> dict[str, Any] | None:
        """The answer under `key`, if there is one."""
        self._used.add(key)
        return self._known.get(key)

    def put(self, key: str, answer: dict[str, Any]) -> None:
        """Keep an answer; raises StorageError where the disk does not take it."""
        with self._lock:
            self._used.add(key)
            self._known[key] = answer
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"key": key, "answer": answer}) + "\n")
            except OSError as error:
                raise StorageError(f"{self.path} cannot be written: {error.strerror}.") from None

    def tidy(self) -> None:
        """Forget what was not asked for since the start; call it after a whole audit."""
        kept = {key: self._known[key] for key in self._used if key in self._known}
        if kept.keys() == self._known.keys() or not self.path.is_file():
            return
        lines = [json.dumps({"key": key, "answer": kept[key]}) + "\n" for key in sorted(kept)]
        fresh = self.path.with_suffix(".new")
        try:
            fresh.write_text("".join(lines), encoding="utf-8")
            fresh.replace(self.path)
        except OSError as error:
            raise StorageError(f"{self.path} cannot be written: {error.strerror}.") from None


class Pool:
    """Warm processes of one assignment; a context manager.

    Args:
        workers: how many; they start when there is something to do.
        folder: where the notebooks run; it holds the assignment's data files.
        store: what earlier audits found.
    """

    def __init__(self, workers: int, folder: Path, store: Store) -> None:
        self._folder = folder
        self._store = store
        self._count = workers
        self._processes: list[subprocess.Popen[str]] = []
        self._imports: tuple[str, ...] = ()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_error: object) -> None:
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    if pipe is not None:
                        pipe.close()
            process.wait()
        self._processes = []

    def warm_up(self, modules: Iterable[str]) -> None:
        """Import these in every process before the next job."""
        self._imports = tuple(modules)
        for process in self._processes:
            _ask(process, {"import": self._imports})

    def one(self, job: Job) -> Answer:
        """Run one job, or recall it."""
        return self.all([job])[0]

    def all(self, jobs: list[Job], done: Callable[[], object] = lambda: None) -> list[Answer]:
        """Run jobs that were never run before, and return the answers to all, in order.

        `done` is called after each, in any thread. What is finished stays in the store, also
        where this raises.

        Raises:
            StorageError: the store cannot be written.
            GraderError: a process of ours died.
        """
        waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
        missing = {}
        for job in jobs:
            if self._store.get(job.key) is None and job.key not in missing:
                missing[job.key] = job
                waiting.put(job)
            else:
                done()
        if missing:
            self._work_off(waiting, min(self._count, len(missing)), done)
        return [_answer(self._store.get(job.key) or {}) for job in jobs]

    def _work_off(
        self, waiting: queue.SimpleQueue[Job], count: int, done: Callable[[], object]
    ) -> None:
        failures: list[GraderError] = []
        stop = threading.Event()

        def work(process: subprocess.Popen[str]) -> None:
            while not stop.is_set():
                try:
                    job = waiting.get_nowait()
                    self._store.put(job.key, _ask(process, self._request(job)))
                except queue.Empty:
                    return
                except GraderError as error:
                    failures.append(error)
                    stop.set()
                    return
                done()

        while len(self._processes) < count:
            self._processes.append(self._start())
        threads = [
            threading.Thread(target=work, args=(process,), daemon=True)
            for process in self._processes[:count]
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.2)  # so that Ctrl-C is heard
        except KeyboardInterrupt:
            stop.set()
            raise
        if failures:
            raise failures[0]

    def _start(self) -> subprocess.Popen[str]:
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        quiet = {"MPLBACKEND": "agg", "PYTORCH_NVML_BASED_CUDA_CHECK": "1"}
        process = subprocess.Popen(
            [sys.executable, "-m", worker.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **one, **quiet},
            start_new_session=True,  # Ctrl-C is ours to handle
        )
        if self._imports:
            _ask(process, {"import": self._imports})
        return process

    def _request(self, job: Job) -> dict[str, Any]:
        return {**asdict(job), "folder": str(self._folder), "wall_limit": _WALL}


def _ask(process: subprocess.Popen[str], request: dict[str, Any]) -> dict[str, Any]:
    try:
        if process.stdin is None or process.stdout is None:
            raise ValueError
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
    except (OSError, ValueError):
        line = ""
    if not line:
        raise GraderError("A process that runs notebooks for the audit died: run it again.")
    reply: dict[str, Any] = json.loads(line)
    return reply


def _answer(data: dict[str, Any]) -> Answer:
    runs = tuple(Run(**run) for run in data["runs"])
    return Answer(runs, data["ended"], tuple(data["modules"]))


def source_digest(files: Iterable[Path]) -> str:
    """Changes with Python, with what the grader is made of, and with the content of `files`."""
    needed = {re.split(r"[^\w.-]", line)[0] for line in requires("grader") or ()}
    digest = hashlib.sha256(json.dumps([_PYTHON, _versions(needed)]).encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


_PYTHON = (sys.version, platform.machine())
_IMPORT = re.compile(r"^\s*(?:from|import)\s+(\w+)", re.MULTILINE)


@functools.cache
def imported_versions(source: str) -> dict[str, str]:
    """Versions of the distributions that a cell imports from."""
    names = {name for module in _IMPORT.findall(source) for name in _homes().get(module, ())}
    return _versions(names)


@functools.cache
def _homes() -> Mapping[str, list[str]]:
    return packages_distributions()


def _versions(names: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in sorted(names):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


@functools.cache
def _code() -> str:
    """Changes with the code that runs cells."""
    paths = [Path(str(module.__file__)) for module in (altered, runner, worker)]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()
