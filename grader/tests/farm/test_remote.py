"""Grading on clusters that others started, and what is said where that cannot work."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import dask
import nbformat
import pytest
from nbformat.v4 import new_code_cell

import grader
from grader.course import Course
from grader.errors import FarmError, UsageError
from grader.farm import ResultStore, grade
from grader.farm import cluster as module
from grader.farm.cluster import open_farm
from grader.farm.device import cuda_policy
from grader.farm.job import conditions_of, grade_job, read_job
from grader.farm.tasks import run_tasks
from grader.release import release_assignment
from grader.sandbox import SandboxPolicy
from grader.scoring import read_scores
from grader.tests.courses import ANSWERS, make_course, submit
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
    """A scheduler with two workers, one of which says that it has a graphics card."""
    with (
        scheduler(folder) as found,
        worker(found, folder, "--name", "plain"),
        worker(found, folder, "--name", "card", "--resources", "GPU=1"),
        open_farm(found, at_most=1) as farm,
    ):
        wait(lambda: len(farm.client.nthreads()) == 2)
        yield found


def _ask_for_device(root: Path) -> None:
    """Give problem2 a cell of parameters, and a test that looks at it."""
    path = root / "source" / "ps1" / "problem2.ipynb"
    notebook = nbformat.read(path, as_version=4)
    mark = {"grade": False, "solution": False, "locked": True, "task": False}
    settings = {"nbgrader": {"schema_version": 3, "grade_id": "settings", **mark}}
    notebook.cells.insert(
        1, new_code_cell('DEVICE = "cpu"', metadata={**settings, "tags": ["parameters"]})
    )
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "test_mean":
            cell.source += "\nassert DEVICE == 'cuda', DEVICE"
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def _device_course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_course(tmp_path_factory.mktemp("device") / "course")
    _ask_for_device(root)
    release_assignment(Course(root), "ps1")
    submit(root, "ann", QUICK)
    return root


@pytest.fixture
def device_course(_device_course: Path, tmp_path: Path) -> Path:
    """A course whose ps1 asks for a device, with one submission."""
    return shutil.copytree(_device_course, tmp_path / "device-course")


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


def test_what_needs_a_graphics_card_goes_to_workers_that_have_one(address: str) -> None:
    with open_farm(address, at_most=4, device="cuda") as farm:
        found = run_tasks(farm.client, name_of_worker, range(1, 5), resources=farm.resources)
        assert {name for _, name in found} == {"card"}
    with open_farm(address, at_most=4) as farm:
        found = run_tasks(farm.client, name_of_worker, range(1, 9), resources=farm.resources)
        assert {name for _, name in found} == {"card", "plain"}


@pytest.mark.skipif(bool(module.cards()), reason="this machine has a graphics card")
@pytest.mark.usefixtures("needs_bubblewrap")
def test_a_worker_that_lies_about_its_card_marks_nobody_down(
    device_course: Path, address: str
) -> None:
    run = grade(Course(device_course), "ps1", scheduler=address, device="cuda")
    assert run.faults == ("ann",)
    (record,) = ResultStore(Course(device_course), "ps1").load_all()
    assert "has no NVIDIA graphics card" in record.fault
    cell = read_scores(Course(device_course), "ps1")["ann"].cells["problem2", "test_mean"]
    assert cell.score is None


@pytest.mark.skipif(bool(module.cards()), reason="this machine has a graphics card")
def test_no_worker_has_a_graphics_card(device_course: Path, folder: Path) -> None:
    course = Course(device_course)
    with pytest.raises(FarmError, match="This machine has no NVIDIA graphics card"):
        grade(course, "ps1", device="cuda")
    with (
        scheduler(folder) as found,
        worker(found, folder),
        dask.config.set(SOON),
        pytest.raises(FarmError, match=r"no worker with the resource GPU.* GPU=1") as hit,
    ):
        grade(course, "ps1", scheduler=found, device="cuda")
    assert "\n" not in str(hit.value)


@pytest.mark.usefixtures("needs_bubblewrap")
def test_the_device_reaches_the_tests(device_course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.farm.device.cuda_devices", lambda: (Path("/dev/null"),))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    course = Course(device_course)
    (submission,) = course.submissions("ps1")
    for device, points in (("cuda", "passed"), ("cpu", "failed")):
        conditions = conditions_of(course, "ps1", device=device)
        record = grade_job(read_job(conditions, submission))
        outcomes = {test.grade_id: test.outcome for test in record.results[1].tests}
        assert outcomes["test_mean"] == points


def test_only_assignments_with_a_device_ask_for_one(
    device_course: Path, released_course: Path
) -> None:
    asks = conditions_of(Course(device_course), "ps1", device="cuda")
    assert (asks.device, asks.parameters["DEVICE"]) == ("cuda", "cuda")
    plain = conditions_of(Course(released_course), "ps1", device="cuda")
    assert (plain.device, dict(plain.parameters)) == ("cpu", {})
    config = device_course / "nbgrader_config.py"
    config.write_text("c = get_config()\nc.Grader.device = 'cuda'\n")
    assert conditions_of(Course(device_course), "ps1").digest == asks.digest
    assert conditions_of(Course(device_course), "ps1", device="cpu").digest != asks.digest


def test_a_card_is_passed_in_with_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = tuple(Path("/dev", name) for name in ("nvidia0", "nvidia1", "nvidiactl"))
    monkeypatch.setattr("grader.farm.device.cuda_devices", lambda: nodes)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert module.cards() == ["0", "1"]
    policy = cuda_policy(SandboxPolicy())
    assert policy.devices == nodes
    assert "CUDA_VISIBLE_DEVICES" not in dict(policy.environment)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1, 0")
    assert module.cards() == ["1", "0"]
    assert dict(cuda_policy(SandboxPolicy()).environment)["CUDA_VISIBLE_DEVICES"] == "1, 0"


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


def test_a_worker_with_another_grader_is_refused(folder: Path, tmp_path: Path) -> None:
    package = Path(grader.__file__).parent
    shutil.copytree(package, tmp_path / "grader", ignore=shutil.ignore_patterns("tests"))
    with (tmp_path / "grader" / "checking.py").open("a") as file:
        file.write("# another version\n")
    with (
        scheduler(folder) as found,
        worker(found, folder, extra={"PYTHONPATH": _path(tmp_path)}),
        pytest.raises(FarmError, match=r"has the grader's source .* and lacks") as hit,
        open_farm(found, at_most=1),
    ):
        pass
    assert "\n" not in str(hit.value)


def _path(first: Path) -> str:
    return os.pathsep.join([str(first), str(Path(grader.__file__).parents[1])])


def test_a_worker_that_comes_late_with_another_grader_is_refused_too(
    released_course: Path, address: str
) -> None:
    submit(released_course, "ann", QUICK)
    course = Course(released_course)
    (submission,) = course.submissions("ps1")
    conditions = replace(conditions_of(course, "ps1"), environment="of another machine")
    job = read_job(conditions, submission)
    with open_farm(address, at_most=1) as farm, pytest.raises(FarmError, match="not the same"):
        list(run_tasks(farm.client, grade_job, [job]))


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
