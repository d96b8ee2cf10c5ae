"""A Dask cluster whose scheduler and workers are threads of the test's own process.

It speaks TCP, so that the farm finds it by its address as it finds any other. What only processes
can show (deaths, versions, keys) is tested on the real ones of `clusters`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Scheduler, SpecCluster, Worker

from grader.farm.cluster import QUIET

SETTINGS = {**QUIET, "distributed.scheduler.http.routes": []}


@contextmanager
def in_process(workers: Mapping[str, Mapping[str, float]]) -> Iterator[SpecCluster]:
    """A cluster with these workers, of one thread each; gone at the end.

    Args:
        workers: what each offers, by its name, such as `{"card": {"GPU": 1}}`.
    """
    scheduler = {
        "host": "127.0.0.1",
        "port": 0,
        "protocol": "tcp://",
        "dashboard": False,
        "dashboard_address": "127.0.0.1:0",
    }
    common: dict[str, Any] = {"host": "127.0.0.1", "nthreads": 1, "memory_limit": 0}
    specification = {
        name: {"cls": Worker, "options": {**common, "resources": dict(offers)}}
        for name, offers in workers.items()
    }
    # only what starts now reads this: other tests of the same process have Dask's own settings
    with dask.config.set(SETTINGS):
        cluster = SpecCluster(
            scheduler={"cls": Scheduler, "options": scheduler},
            workers=specification,
            silence_logs=logging.CRITICAL,
        )
    with cluster:
        yield cluster
