"""Tasks over real Dask workers, some of which die."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from distributed import Client
from distributed.scheduler import KilledWorker

from grader.farm.cluster import local_cluster
from grader.farm.tasks import RETRIES, run_tasks

WORKERS = 2


def _work(task: tuple[str, str]) -> str:
    """Does what the first part says; the second is the name of a file to count calls in."""
    what, path = task
    with Path(path).open("a") as file:
        file.write(".")
    calls = Path(path).stat().st_size
    if what == "die always" or (what == "die once" and calls == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "raise":
        raise ValueError("as told")
    return f"{what}: {signal.getsignal(signal.SIGINT).name}"


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    before = set(psutil.Process().children(recursive=True))
    with local_cluster(WORKERS, at_most=99) as client:
        yield client
        workers = set(psutil.Process().children(recursive=True)) - before
    _, alive = psutil.wait_procs([w for w in workers if "spawn_main" in _command(w)], timeout=20)
    assert alive == []


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _tasks(folder: Path, *kinds: str) -> list[tuple[str, str]]:
    return [(kind, str(folder / str(at))) for at, kind in enumerate(kinds)]


def test_a_dead_worker_costs_nobody_else_and_its_task_is_tried_again(
    client: Client, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tasks = _tasks(tmp_path, "good", "die once", "good", "die always", "raise", *["good"] * 6)
    found = dict(run_tasks(client, _work, tasks))
    assert set(found) == set(tasks)
    good = {found[task] for task in tasks if task[0] == "good"}
    assert good == {"good: SIG_IGN"}, "a worker does not hear Ctrl-C"
    assert found[tasks[1]] == "die once: SIG_IGN"
    assert isinstance(found[tasks[3]], KilledWorker)
    assert isinstance(found[tasks[4]], ValueError)
    assert Path(tasks[3][1]).stat().st_size == RETRIES + 1
    assert all(Path(path).stat().st_size == 1 for kind, path in tasks if kind == "good")
    assert capfd.readouterr() == ("", ""), "Dask says nothing on the terminal"


def test_a_task_is_taken_only_when_a_worker_is_free(client: Client, tmp_path: Path) -> None:
    taken = []

    def tasks() -> Iterator[tuple[str, str]]:
        for task in _tasks(tmp_path, *["good"] * 8):
            taken.append(task)
            yield task

    for done, _ in enumerate(run_tasks(client, _work, tasks()), 1):
        assert len(taken) <= done + WORKERS


def test_no_task_is_no_work(client: Client) -> None:
    assert list(run_tasks(client, _work, [])) == []
