"""Tasks over Dask, one in flight a worker, so that the death of a worker blames nobody else."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import dask
from distributed import Client, Future, LocalCluster, as_completed
from distributed.scheduler import NoWorkerError
from distributed.utils import LoopRunner

from grader.errors import GraderError

Task = TypeVar("Task")
Result = TypeVar("Result")

RETRIES = 2
_SETTINGS = {
    # With one task a worker, whatever a dying worker had is that one task: blame it at once,
    # and let `run_tasks` decide what to do.
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.no-workers-timeout": "120s",
    "distributed.scheduler.work-stealing": False,
    "distributed.worker.daemon": False,
    "distributed.worker.preload": ["grader.farm.worker"],
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.admin.large-graph-warning-threshold": "1GB",
    "distributed.comm.timeouts.connect": "60s",
}


@contextmanager
def local_cluster(workers: int, at_most: int) -> Iterator[Client]:
    """A Dask cluster on this machine, gone at the end.

    Args:
        workers: how many processes; 0 means one for each core.
        at_most: tasks that there will be; more workers would have nothing to do.
    """
    with dask.config.set(_SETTINGS), _loop_deaf_to_interrupts() as loop:
        cluster = LocalCluster(
            n_workers=min(workers or os.cpu_count() or 1, at_most),
            threads_per_worker=1,
            # no dashboard, and the port that Dask opens anyway is one that is free
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            silence_logs=logging.CRITICAL,
            memory_limit=0,
            host="127.0.0.1",
            loop=loop,
        )
        client = Client(cluster)
        try:
            yield client
        finally:
            with _interrupts_ignored():
                client.close()
                cluster.close()


@contextmanager
def _loop_deaf_to_interrupts() -> Iterator[Any]:
    """Dask's event loop in a thread where Ctrl-C is blocked, which workers inherit from it.

    A terminal sends Ctrl-C to all processes at once. This one stops the workers in order, while
    a worker that heard it would print a traceback. `grader.farm.worker` goes on from there.
    """
    runner = LoopRunner(asynchronous=False)
    if hasattr(signal, "pthread_sigmask"):
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            runner.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    else:
        runner.start()
    try:
        yield runner.loop
    finally:
        runner.stop()


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Tidying up takes seconds, and a second Ctrl-C must not leave workers behind."""
    if threading.current_thread() is not threading.main_thread():
        yield  # the main thread alone hears Ctrl-C
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def run_tasks(
    client: Client, work: Callable[[Task], Result], tasks: Iterable[Task]
) -> Iterator[tuple[Task, Result | BaseException]]:
    """Do `work` on every task, and yield each with its result as it comes.

    A task whose worker died is tried again; after `RETRIES` more deaths the exception is its
    result. An exception out of `work` is a result too.

    Raises:
        GraderError: all workers were lost, and none came back.
    """
    waiting = iter(tasks)
    again: deque[tuple[Task, int]] = deque()
    inflight: dict[Any, tuple[Task, int]] = {}
    running: Any = as_completed()

    def fill() -> None:
        # counted anew each time: two tasks on the one worker that is left share its death
        for _ in range(max(1, len(client.nthreads())) - len(inflight)):
            task, tries = again.popleft() if again else (next(waiting, None), 0)
            if task is None:
                return
            future = client.submit(work, task, pure=False)
            inflight[future.key] = (task, tries)
            running.add(future)

    fill()
    for future in running:
        task, tries = inflight.pop(future.key)
        outcome = _outcome(future)
        if isinstance(outcome, NoWorkerError):
            raise GraderError(
                "All workers were lost and none could be started again: run `grader doctor`, "
                "then this command again."
            )
        retried = isinstance(outcome, BaseException) and tries < RETRIES
        if retried:
            again.append((task, tries + 1))
        fill()
        if not retried:
            yield task, outcome


def _outcome(future: Future[Any]) -> Any:
    """The result, or the exception that took its place."""
    try:
        return future.result()
    except Exception as error:
        return error
