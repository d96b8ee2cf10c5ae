"""Where submissions are graded: workers on this machine, or a Dask cluster that exists."""

from __future__ import annotations

import importlib.util
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import dask
import distributed.utils
from distributed import Client, LocalCluster
from distributed.security import Security
from distributed.versions import VersionMismatchWarning

from grader import forks
from grader.errors import FarmError, UsageError
from grader.farm.device import CPU, CUDA, RESOURCE, cards
from grader.farm.environment import difference, environment
from grader.farm.interrupts import interrupts_ignored, loop_deaf_to_interrupts
from grader.farm.tasks import PATIENCE, Slots

PROTOCOLS = ("tcp://", "tls://")
QUIET = {
    # What Dask writes down and measures for its dashboard's pages on a run's inside: with many
    # workers it costs more CPU time than scheduling, and memory that grows with the run.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.admin.log-length": 1000,
}
"""For clusters that only grade."""
_SETTINGS = {
    **QUIET,
    # With one task a worker, whatever a dying worker had is that one task: blame it at once,
    # and let `run_tasks` decide what to do.
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.work-stealing": False,
    # A worker that died is started again; on a busy machine that takes longer than the 15 seconds
    # after which Dask would give it up for good.
    "distributed.deploy.lost-worker-timeout": "10m",
    "distributed.worker.daemon": False,
    "distributed.worker.preload": ["grader.farm.worker"],
    "distributed.worker.multiprocessing-method": forks.METHOD,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.comm.timeouts.connect": "60s",
}
_STARTS = 3
_CLIENT_SETTINGS = {"distributed.admin.large-graph-warning-threshold": "1GB"}


@dataclass(frozen=True)
class Farm:
    """Workers that take tasks.

    Attributes:
        client: connected to their scheduler.
        resources: what a task needs, as `client.submit` takes it.
        dashboard: address of Dask's own page about the run, or "".
        patience: seconds that there may be no worker.
    """

    client: Client
    resources: Mapping[str, float] = field(default_factory=dict)
    dashboard: str = ""
    patience: float = PATIENCE


@contextmanager
def open_farm(
    scheduler: str = "",
    *,
    workers: int = 0,
    at_most: int,
    device: str = CPU,
    dashboard: bool = False,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Farm]:
    """Workers that grade; those that were started for it are gone at the end.

    Args:
        scheduler: address of a cluster's scheduler; "" for workers of our own.
        workers: how many of our own; 0 means one for each core, or for each graphics card.
        at_most: tasks that there will be; more workers would have nothing to do.
        device: "cuda" for workers with a graphics card.
        dashboard: start Dask's dashboard, where the workers are our own.
        stopped: whether to wait no longer for workers.

    Raises:
        KeyboardInterrupt: `stopped` said so.
        UsageError: no scheduler can have that address, or the dashboard is not installed.
        FarmError: the scheduler cannot be reached, there is no worker that fits, or the workers
            run other versions.
    """
    if scheduler:
        with remote_cluster(scheduler, device, stopped) as farm:
            yield farm
        return
    names = cards() if device == CUDA else []
    if device == CUDA and not names:
        raise FarmError(
            "This machine has no NVIDIA graphics card: leave out `--device cuda`, or name a "
            "cluster that has one with `--scheduler`."
        )
    with local_cluster(workers or len(names), at_most, names, dashboard) as client:
        link = str(client.dashboard_link) if dashboard else ""
        yield Farm(client, {RESOURCE: 1} if names else {}, link)


@contextmanager
def local_cluster(
    workers: int, at_most: int, cards: list[str] | None = None, dashboard: bool = False
) -> Iterator[Client]:
    """A Dask cluster on this machine, gone at the end.

    It speaks TLS with a key that exists in its processes' memory only: another account of the
    machine reaches the ports too, and whoever may speak to a scheduler can run programs.

    Args:
        workers: how many processes; 0 means one for each core.
        at_most: tasks that there will be.
        cards: graphics cards that the workers share out among themselves.
        dashboard: whether to start the dashboard, on a port that is free.

    Raises:
        UsageError: the dashboard is not installed.
        FarmError: workers died while they started, each time it was tried.
    """
    if dashboard and importlib.util.find_spec("bokeh") is None:
        raise UsageError("Dask's dashboard needs the package bokeh: install it.")
    settings = {**_SETTINGS, **_CLIENT_SETTINGS, "grader.cards": cards or []}
    if not dashboard:  # and then nobody need be told anything over HTTP, which has no key
        settings["distributed.scheduler.http.routes"] = []
    # what they are forked from imports what ours need, and not what Dask's own tests do
    distributed.utils._forkserver_preload_set = True
    forks.import_early()
    with dask.config.set(settings), loop_deaf_to_interrupts() as loop:
        cluster = _start(
            n_workers=min(workers or os.cpu_count() or 1, at_most),
            threads_per_worker=1,
            # without the dashboard Dask opens a port all the same: one that is free
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address=None,
            scheduler_kwargs={"dashboard": dashboard},
            resources={RESOURCE: 1} if cards else None,
            silence_logs=logging.CRITICAL,
            memory_limit=0,
            host="127.0.0.1",
            security=Security.temporary(),
            loop=loop,
        )
        client = Client(cluster)
        try:
            yield client
        finally:
            with interrupts_ignored():
                client.close()
                cluster.close()


def _start(**options: Any) -> LocalCluster:
    """Start workers, once more where one was killed before it was ready."""
    for _ in range(_STARTS):
        try:
            return LocalCluster(**options)
        except RuntimeError:  # it has closed what it had started
            continue
    raise FarmError(
        "The worker processes could not all be started: run `grader doctor`, then this command "
        "again."
    )


@contextmanager
def remote_cluster(
    address: str, device: str = CPU, stopped: Callable[[], bool] = lambda: False
) -> Iterator[Farm]:
    """A cluster that others started, with workers that fit; it stays when this ends.

    Certificates for tls:// come from Dask's own configuration (`distributed.comm.tls`), and how
    long to wait for the scheduler (`distributed.comm.timeouts.connect`) and for a worker
    (`distributed.scheduler.no-workers-timeout`) too.

    Raises:
        UsageError: no scheduler can have that address.
        FarmError: it cannot be reached, has no worker that fits, or runs other versions.
    """
    if not address.startswith(PROTOCOLS):
        raise UsageError(
            f"{address!r} is no scheduler's address: write tcp://HOST:PORT or tls://HOST:PORT."
        )
    resources = {RESOURCE: 1} if device == CUDA else {}
    with (
        dask.config.set(_CLIENT_SETTINGS),
        _quiet("distributed", "distributed.client"),
        loop_deaf_to_interrupts() as loop,
    ):
        client = _connect(address, loop)
        try:
            _check_scheduler(client, address)
            patience = _patience()
            slots = Slots(client, resources, patience)
            while not slots.count:
                if stopped():
                    raise KeyboardInterrupt
                slots.wait()
            _check_workers(client)
            yield Farm(client, resources, _dashboard(client), patience)
        finally:
            with interrupts_ignored():
                client.close()


def _connect(address: str, loop: Any) -> Client:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VersionMismatchWarning)  # `_check_scheduler` says it
        try:
            return Client(address, loop=loop, set_as_default=False)
        except (OSError, TypeError, ValueError, RuntimeError, ImportError) as error:
            reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            if "ssl_context" in reason:
                reason = (
                    "tls:// needs certificates, which Dask's configuration names under "
                    "distributed.comm.tls"
                )
            raise FarmError(f"No Dask scheduler could be reached at {address}: {reason}.") from None


def _patience() -> float:
    chosen = dask.config.get("distributed.scheduler.no-workers-timeout", None)
    return PATIENCE if chosen is None else dask.utils.parse_timedelta(chosen, default="s")


def _check_scheduler(client: Client, address: str) -> None:
    """The scheduler must speak as this client does."""
    versions: Any = client.get_versions()
    here, there = versions["client"]["packages"], versions["scheduler"]["packages"]
    for package in ("distributed", "dask", "msgpack"):
        if here[package] != there.get(package):
            raise FarmError(
                f"The scheduler at {address} has {package} {there.get(package)} and this machine "
                f"{here[package]}: install what requirements.txt pins on both."
            )


def _check_workers(client: Client) -> None:
    """Workers must have the Python, the packages and the grader that this machine has."""
    for worker, found in client.run(environment, on_error="return").items():
        if isinstance(found, ImportError):
            raise FarmError(
                f"The worker {worker} has no grader: install this repository there as here."
            )
        if isinstance(found, BaseException):
            raise FarmError(f"The worker {worker} does not answer: {found}.")
        if differs := difference(environment(), found):
            raise FarmError(
                f"The worker {worker} could give other scores than this machine, since {differs}: "
                "install what requirements.txt pins, and the same grader, on both."
            )


def _dashboard(client: Client) -> str:
    """Its address, if it can be seen from here: Dask gives one where there is nothing, too."""
    link = str(client.dashboard_link or "")
    try:
        connection = HTTPConnection(urlsplit(link).netloc, timeout=5)
        with closing(connection):
            connection.request("GET", urlsplit(link).path)
            return link if connection.getresponse().status < HTTPStatus.BAD_REQUEST else ""
    except (OSError, HTTPException):
        return ""


@contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """Dask's log is not for the person who grades: what matters is raised."""
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
