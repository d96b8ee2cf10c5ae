"""Grading on clusters that others started, and what is said where that cannot work."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import dask
import pytest
from distributed import Client

import grader
from grader.course import Course
from grader.errors import FarmError, UsageError
from grader.farm import grade
from grader.farm.cluster import open_farm
from grader.farm.tasks import run_tasks
from grader.scoring import read_scores
from grader.tests.courses import ANSWERS, submit
from grader.tests.farm.clusters import name_of_worker, scheduler, slow_once, wait, worker

QUICK = {"problem2": ANSWERS["problem2"]}
SOON = {
    "distributed.comm.timeouts.connect": "2s",
    "distributed.scheduler.no-workers-timeout": "2s",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the cluster's programs run; it holds nothing of a course."""
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """A scheduler with two workers."""
    with (
        scheduler(folder) as found,
        worker(found, folder),
        worker(found, folder),
        open_farm(found, at_most=1) as farm,
    ):
        wait(lambda: len(farm.client.nthreads()) == 2)
        yield found


@pytest.mark.usefixtures("needs_bubblewrap")
def test_a_class_is_graded_on_a_cluster_which_stays(released_course: Path, address: str) -> None:
    for student in ("ann", "bob", "cem"):
        submit(released_course, student, QUICK)
    running: list[int] = []
    run = grade(Course(released_course), "ps1", scheduler=address, on_running=running.append)
    assert (run.graded, run.kept, run.faults) == (3, 0, ())
    assert max(running) == 2, "one submission a worker"
    scores = read_scores(Course(released_course), "ps1")
    assert {score.cells["problem2", "test_mean"].score for score in scores.values()} == {3.0}
    submit(released_course, "dan", QUICK)
    run = grade(Course(released_course), "ps1", scheduler=address)
    assert (run.graded, run.kept) == (1, 3)


def test_options_that_do_not_fit_together_are_one_sentence(released_course: Path) -> None:
    submit(released_course, "ann", QUICK)
    course = Course(released_course)
    for options, words in (
        ({"scheduler": "localhost:8786"}, "tcp://HOST:PORT"),
        ({"scheduler": "tcp://127.0.0.1:1", "workers": 2}, "--workers"),
        ({"scheduler": "tcp://127.0.0.1:1", "dashboard": True}, "--dashboard"),
        ({"device": "tpu"}, "cpu or cuda"),
        ({"regrade": True, "changed_only": True}, "--changed-only"),
    ):
        with pytest.raises(UsageError, match=words):
            grade(course, "ps1", **options)


def test_a_scheduler_that_is_not_there_is_one_sentence(released_course: Path) -> None:
    submit(released_course, "ann", QUICK)
    course = Course(released_course)
    with dask.config.set(SOON):
        for where in ("tcp://127.0.0.1:1", "tcp://nowhere.invalid:8786", "tls://127.0.0.1:1"):
            with pytest.raises(FarmError, match=f"could be reached at {where}") as hit:
                grade(course, "ps1", scheduler=where)
            assert "\n" not in str(hit.value)
        assert "distributed.comm.tls" in str(hit.value), "what tls:// needs"


def test_a_scheduler_of_another_version_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.metadata as m\nreal = m.version\n"
        "m.version = lambda name: '1.2.3' if name == 'msgpack' else real(name)\n"
    )
    with (
        scheduler(folder, extra={"PYTHONPATH": _path(tmp_path)}) as found,
        pytest.raises(FarmError, match=r"has msgpack 1\.2\.3 and this machine"),
        open_farm(found, at_most=1),
    ):
        pass


def test_a_worker_with_another_grader_is_refused(
    folder: Path, tmp_path: Path, address: str
) -> None:
    package = Path(grader.__file__).parent
    shutil.copytree(package, tmp_path / "grader", ignore=shutil.ignore_patterns("tests"))
    with (tmp_path / "grader" / "checking.py").open("a") as file:
        file.write("# another version\n")
    with Client(address, set_as_default=False) as client:
        with worker(address, folder, extra={"PYTHONPATH": _path(tmp_path)}):
            wait(lambda: len(client.nthreads()) == 3)
            with (
                pytest.raises(FarmError, match=r"has the grader's source .* and lacks") as hit,
                open_farm(address, at_most=1),
            ):
                pass
        wait(lambda: len(client.nthreads()) == 2)
    assert "\n" not in str(hit.value)


def _path(first: Path) -> str:
    return os.pathsep.join([str(first), str(Path(grader.__file__).parents[1])])


def test_workers_may_go_and_others_come(folder: Path, tmp_path: Path) -> None:
    tasks = [str(tmp_path / name) for name in ("quick", "slow", "a", "b", "c")]
    with (
        scheduler(folder) as found,
        worker(found, folder, "--no-nanny") as first,
        open_farm(found, at_most=5) as farm,
    ):
        done = run_tasks(farm.client, slow_once, tasks)
        assert next(done) == (tasks[0], "first try")
        wait(Path(tasks[1]).exists)
        first.kill()
        with worker(found, folder, "--no-nanny"):
            tries = dict(done)
    assert tries.pop(tasks[1]) == "second try"
    assert tries == dict.fromkeys(tasks[2:], "first try")


def test_a_scheduler_that_dies_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    tasks = [str(tmp_path / name) for name in ("quick", "slow")]
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set({"distributed.comm.timeouts.connect": "3s"}))
        others = contextlib.ExitStack()
        stack.enter_context(others)
        found = others.enter_context(scheduler(folder))
        stack.enter_context(worker(found, folder))
        farm = stack.enter_context(open_farm(found, at_most=2))
        done = run_tasks(farm.client, slow_once, tasks)
        assert next(done) == (tasks[0], "first try")
        wait(Path(tasks[1]).exists)
        others.close()  # kills it
        with pytest.raises(FarmError, match=r"lost.*run the same command"):
            next(done)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority and one certificate, made by the commands of the instructors' page."""
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"),
            *("-subj", "/CN=grading", "-keyout", "key.pem", "-out", "cert.pem"),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder


def test_a_cluster_behind_tls(folder: Path, certificates: Path) -> None:
    cert, key = str(certificates / "cert.pem"), str(certificates / "key.pem")
    options = ("--tls-ca-file", cert, "--tls-cert", cert, "--tls-key", key)
    configured = {
        "distributed.comm.tls.ca-file": cert,
        "distributed.comm.tls.client.cert": cert,
        "distributed.comm.tls.client.key": key,
    }
    with (
        scheduler(folder, "--protocol", "tls", *options) as found,
        worker(found, folder, *options),
    ):
        assert found.startswith("tls://")
        with dask.config.set(configured), open_farm(found, at_most=1) as farm:
            assert [name for _, name in run_tasks(farm.client, name_of_worker, [1])]
        plain = found.replace("tls://", "tcp://")
        with (
            dask.config.set(SOON),
            pytest.raises(FarmError, match="could be reached"),
            open_farm(plain, at_most=1),
        ):
            pass


def test_the_dashboard_has_an_address_where_there_is_one(folder: Path, address: str) -> None:
    with open_farm(at_most=1, workers=1, dashboard=True) as farm:
        assert farm.dashboard.startswith("http://127.0.0.1:")
        assert b"Bokeh" in urlopen(farm.dashboard, timeout=60).read()
    with open_farm(address, at_most=1) as farm:
        assert farm.dashboard == "", "it was started without"
