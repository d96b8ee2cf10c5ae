"""Tasks over Dask, one in flight a worker, so that the death of a worker blames nobody else."""

from __future__ import annotations

import contextlib
import math
import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from distributed import Client, Future

from grader.errors import FarmError

Task = TypeVar("Task")
Result = TypeVar("Result")

RETRIES = 2
PATIENCE = 120.0  # seconds without any worker before a run gives up
_RESTART = 30.0  # seconds for a worker to be there again
_TICK = 0.1  # seconds between two looks at Ctrl-C
_COUNT = 1.0  # seconds between two counts of the workers


def run_tasks(
    client: Client,
    work: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    resources: Mapping[str, float] | None = None,
    patience: float = PATIENCE,
    deadline: float = math.inf,
    most: int | None = None,
    stopped: Callable[[], bool] = lambda: False,
    on_running: Callable[[int], None] = lambda running: None,
) -> Iterator[tuple[Task, Result | BaseException]]:
    """Do `work` on every task, and yield each with its result as it comes.

    A task whose worker died is tried again; after `RETRIES` more deaths the exception is its
    result. An exception out of `work` is a result too, and so is the `TimeoutError` of a task that
    does not end, whose worker is started anew.

    Args:
        client: connected to a scheduler.
        work: importable on the workers.
        tasks: taken one by one, when a worker is free.
        resources: what a worker must offer to get a task.
        patience: seconds to wait where there is no worker that could do it.
        deadline: seconds after which a worker is given up that has not come back with a task.
        most: tasks at once; None for as many as there are workers.
        stopped: asked several times a second; a run that is to stop takes up nothing more.
        on_running: called with the number of tasks that are with workers, when it changes.

    Raises:
        FarmError: a worker refuses to work, no worker was there for `patience` seconds, or
            contact with the scheduler was lost.
        KeyboardInterrupt: `stopped` said so.
    """
    waiting = iter(tasks)
    again: deque[tuple[Task, int]] = deque()
    inflight: dict[Any, tuple[Future[Any], Task, int]] = {}
    due: dict[Any, float] = {}
    finished: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
    slots = Slots(client, resources or {}, patience)

    def fill() -> None:
        before = len(inflight)
        # one waits at the scheduler where there is no worker: a run that has none in flight is over
        while len(inflight) < max(1, min(most or slots.count, slots.count)):
            task, tries = again.popleft() if again else (next(waiting, None), 0)
            if task is None:
                break
            future = client.submit(work, task, pure=False, resources=resources or None)
            inflight[future.key] = (future, task, tries)
            due[future.key] = time.monotonic() + deadline
            future.add_done_callback(finished.put)
        if len(inflight) != before:
            on_running(len(inflight))

    def next_finished() -> tuple[Future[Any], Any]:
        while True:
            if stopped():
                raise KeyboardInterrupt
            with contextlib.suppress(queue.Empty):
                future = finished.get(timeout=_TICK)
                if future.key in inflight:
                    return future, _outcome(future)
                continue  # it was given up
            late = next((key for key in inflight if due[key] < time.monotonic()), None)
            if late is not None:
                return inflight[late][0], _give_up(client, inflight[late][0], deadline)
            if slots.look():
                fill()

    fill()
    while inflight:
        future, outcome = next_finished()
        _, task, tries = inflight.pop(future.key)
        del due[future.key]
        del future  # the scheduler keeps a result as long as somebody may ask for it
        if isinstance(outcome, FarmError):
            raise outcome
        if isinstance(outcome, CancelledError):
            raise FarmError(
                "Contact with the scheduler was lost. Results are kept: when it is there again, "
                "run the same command to grade the rest."
            )
        failed = isinstance(outcome, BaseException)
        retried = failed and not isinstance(outcome, TimeoutError) and tries < RETRIES
        if retried:
            again.append((task, tries + 1))
        # two tasks on the one worker that is left would share its death
        slots.look(now=failed)
        fill()
        if not retried:
            yield task, outcome


class Slots:
    """How many tasks the workers can take at once, counted again now and then.

    Args:
        client: connected to a scheduler.
        resources: what a task needs.
        patience: seconds that there may be none.
    """

    def __init__(self, client: Client, resources: Mapping[str, float], patience: float) -> None:
        self._client = client
        self._resources = resources
        self._patience = patience
        self._counted = self._seen = time.monotonic()
        self.count = self._ask()

    def look(self, *, now: bool = False) -> bool:
        """Count again, if the last count is old or must be made `now`; whether it was.

        Raises:
            FarmError: there was none for too long.
        """
        clock = time.monotonic()
        if clock - self._counted < _COUNT and not now:
            return False
        self.count = self._ask()
        self._counted = clock
        if self.count:
            self._seen = clock
        elif clock - self._seen > self._patience:
            raise FarmError(_no_worker(self._client, self._resources, self._patience))
        return True

    def wait(self) -> None:
        """Give workers a moment to come.

        Raises:
            FarmError: there was none for too long.
        """
        time.sleep(_TICK)
        self.look()

    def _ask(self) -> int:
        if self._client.status != "running":
            return 0
        if not self._resources:
            return sum(self._client.nthreads().values())
        workers = self._client.scheduler_info()["workers"].values()
        return sum(self._fit(worker) for worker in workers)

    def _fit(self, worker: Mapping[str, Any]) -> int:
        offers = worker["resources"]
        return min(
            int(worker["nthreads"]),
            *(int(offers.get(name, 0) / need) for name, need in self._resources.items()),
        )


def _no_worker(client: Client, resources: Mapping[str, float], patience: float) -> str:
    address = client.scheduler.address if client.scheduler else "the scheduler"
    if client.status != "running":
        return (
            f"{address} has not answered for {patience:g} s. Results are kept: when it is there "
            "again, run the same command to grade the rest."
        )
    offer = "".join(f" --resources {name}={need:g}" for name, need in resources.items())
    what = f" with the resource {', '.join(resources)}" if resources else ""
    return (
        f"There has been no worker{what} at {address} for {patience:g} s: start one there with "
        f"`dask worker {address} --preload grader.farm.worker --nthreads 1{offer}`, and run the "
        "same command again."
    )


def _give_up(client: Client, future: Future[Any], deadline: float) -> TimeoutError:
    """Take back a task that does not end, and start its worker anew, where it has a nanny."""
    holders = [who for who, keys in client.processing().items() if future.key in keys]
    future.cancel(force=True)
    if holders:
        client.restart_workers(holders, timeout=_RESTART, raise_for_error=False)
    return TimeoutError(f"it was not done after {deadline:.0f} s")


def _outcome(future: Future[Any]) -> Any:
    """The result, or the exception that took its place."""
    try:
        return future.result()
    except Exception as error:
        return error
