"""Tasks over real Dask workers, some of which die."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest
from distributed import Client
from distributed.scheduler import KilledWorker
from distributed.security import Security

from grader.errors import FarmError
from grader.farm import cluster
from grader.farm.cluster import local_cluster
from grader.farm.tasks import RETRIES, run_tasks
from grader.tests.workers import workers_among

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
    while what == "hang":
        re.match("(a+)+$", "a" * 40 + "b")  # holds the interpreter; nobody can be told anything
    return f"{what}: {signal.getsignal(signal.SIGINT).name}"


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    before = set(psutil.Process().children(recursive=True))
    with local_cluster(WORKERS, at_most=99) as client:
        yield client
        workers = workers_among(set(psutil.Process().children(recursive=True)) - before)
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert alive == []


def _tasks(folder: Path, *kinds: str) -> list[tuple[str, str]]:
    return [(kind, str(folder / str(at))) for at, kind in enumerate(kinds)]


def test_a_task_that_does_not_end_costs_nobody_else(client: Client, tmp_path: Path) -> None:
    tasks = _tasks(tmp_path, "good", "hang", *["good"] * 4)
    found = {
        Path(task[1]).name: result for task, result in run_tasks(client, _work, tasks, deadline=5)
    }
    late = found.pop("1")
    assert isinstance(late, TimeoutError)
    assert "after 5 s" in str(late)
    assert set(found.values()) == {"good: SIG_IGN"}
    assert (tmp_path / "1").read_text() == ".", "it was not tried again"
    client.wait_for_workers(WORKERS, timeout=60)


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
    # a death can take along one result that nobody had fetched yet
    runs = [Path(path).stat().st_size for kind, path in tasks if kind == "good"]
    assert sum(runs) - len(runs) <= 1 + RETRIES + 1
    assert capfd.readouterr() == ("", ""), "Dask says nothing on the terminal"


def test_a_task_is_taken_only_when_a_worker_is_free(client: Client, tmp_path: Path) -> None:
    taken = []

    def tasks() -> Iterator[tuple[str, str]]:
        for task in _tasks(tmp_path, *["good"] * 8):
            taken.append(task)
            yield task

    for done, _ in enumerate(run_tasks(client, _work, tasks()), 1):
        assert len(taken) <= done + WORKERS


def test_only_who_has_the_key_reaches_the_scheduler_and_the_workers(client: Client) -> None:
    """Another account of the machine can open a connection to all of these ports."""
    client.wait_for_workers(WORKERS, timeout=60)  # one may have died in another test
    workers = client.scheduler_info(-1)["workers"]
    addresses = [client.scheduler.address, *workers, *(each["nanny"] for each in workers.values())]
    assert len(addresses) == 1 + 2 * WORKERS
    assert all(address.startswith("tls://127.0.0.1:") for address in addresses)
    own = client.security.get_connection_args("client")["ssl_context"]
    foreign = Security.temporary().get_connection_args("client")["ssl_context"]
    nobodys = ssl.create_default_context()
    for context in (foreign, nobodys):  # who breaks in does not mind whom he speaks to
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for address in addresses:
        port = int(address.rpartition(":")[2])
        assert b"pickle-protocol" in _greeting(port, own)
        for context in (None, nobodys, foreign):
            assert b"pickle-protocol" not in _greeting(port, context)


def _greeting(port: int, context: ssl.SSLContext | None) -> bytes:
    """What a part of the cluster says first to somebody who connects; Dask's own is plain text."""
    said = b""
    stream = socket.create_connection(("127.0.0.1", port), timeout=30)
    try:
        if context is None:
            stream.sendall(b"\0" * 64)  # which is no beginning of TLS
        else:
            stream = context.wrap_socket(stream)
        while b"pickle-protocol" not in said and (part := stream.recv(4096)):
            said += part
    except (ssl.SSLError, ConnectionError):
        pass  # shown the door
    finally:
        stream.close()
    return said


def test_the_scheduler_tells_nothing_over_http(client: Client) -> None:
    port = client.scheduler_info()["services"]["dashboard"]
    for path in ("/info/main/workers.html", "/json/identity.json", "/metrics", "/health"):
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            assert connection.getresponse().status == HTTPStatus.NOT_FOUND


@pytest.fixture
def dying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Path]:
    """Lets the first workers that start be killed as they start; returns where deaths are noted."""

    def kill(number: int) -> Path:
        deaths = tmp_path / "deaths"
        script = tmp_path / "killer.py"
        script.write_text(
            "import os, pathlib, signal\n"
            "def dask_setup(worker):\n"
            f"    deaths = pathlib.Path({str(deaths)!r})\n"
            f"    if not deaths.exists() or deaths.stat().st_size < {number}:\n"
            "        with deaths.open('a') as file:\n"
            "            file.write('.')\n"
            "        os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        preload = ["grader.farm.worker", str(script)]
        monkeypatch.setitem(cluster._SETTINGS, "distributed.worker.preload", preload)
        return deaths

    return kill


def test_a_worker_that_is_killed_as_it_starts_is_started_again(
    dying: Callable[[int], Path], tmp_path: Path
) -> None:
    before = set(psutil.Process().children(recursive=True))
    deaths = dying(1)
    with local_cluster(WORKERS, at_most=WORKERS) as client:
        tasks = _tasks(tmp_path, *["good"] * WORKERS)
        assert set(dict(run_tasks(client, _work, tasks)).values()) == {"good: SIG_IGN"}
        started = set(psutil.Process().children(recursive=True)) - before
        assert len(workers_among(started)) == WORKERS, "what was started before is gone"
    assert deaths.stat().st_size >= 1


def test_workers_that_never_start_end_the_run_in_a_sentence(
    dying: Callable[[int], Path],
) -> None:
    deaths = dying(99)
    sentence = "could not all be started: run `grader doctor`"
    with pytest.raises(FarmError, match=sentence), local_cluster(1, at_most=1):
        raise AssertionError("there is no worker")
    assert deaths.stat().st_size == 3
