"""Assignments that ask for a graphics card: who gets one, and what is said where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import dask
import nbformat
import pytest
from nbformat.v4 import new_code_cell

from grader.course import Course
from grader.errors import FarmError
from grader.farm import ResultStore, grade
from grader.farm import cluster as module
from grader.farm.device import cuda_policy
from grader.farm.job import conditions_of, grade_job, read_job
from grader.release import release_assignment
from grader.sandbox import SandboxPolicy
from grader.scoring import read_scores
from grader.tests.courses import ANSWERS, make_course, submit
from grader.tests.farm.in_process import in_process

QUICK = {"problem2": ANSWERS["problem2"]}
SOON = {"distributed.scheduler.no-workers-timeout": "2s"}


@pytest.fixture(scope="module")
def card() -> Iterator[str]:
    """A scheduler whose worker says that it has a graphics card."""
    with in_process({"card": {"GPU": 1}}) as cluster:
        yield cluster.scheduler_address


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


@pytest.mark.skipif(bool(module.cards()), reason="this machine has a graphics card")
@pytest.mark.usefixtures("needs_bubblewrap")
def test_a_worker_that_lies_about_its_card_marks_nobody_down(
    device_course: Path, card: str
) -> None:
    run = grade(Course(device_course), "ps1", scheduler=card, device="cuda")
    assert run.faults == ("ann",)
    (record,) = ResultStore(Course(device_course), "ps1").load_all()
    assert "has no NVIDIA graphics card" in record.fault
    cell = read_scores(Course(device_course), "ps1")["ann"].cells["problem2", "test_mean"]
    assert cell.score is None


@pytest.mark.skipif(bool(module.cards()), reason="this machine has a graphics card")
def test_no_worker_has_a_graphics_card(device_course: Path) -> None:
    course = Course(device_course)
    with pytest.raises(FarmError, match="This machine has no NVIDIA graphics card"):
        grade(course, "ps1", device="cuda")
    with (
        in_process({"plain": {}}) as cluster,
        dask.config.set(SOON),
        pytest.raises(FarmError, match=r"no worker with the resource GPU.* GPU=1") as hit,
    ):
        grade(course, "ps1", scheduler=cluster.scheduler_address, device="cuda")
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
