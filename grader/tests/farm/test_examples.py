"""The examples for Slurm and Kubernetes, run as far as that goes without either."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

import grader
from grader.course import Course
from grader.farm import examples, grade
from grader.farm.examples import slurm
from grader.scoring import read_scores
from grader.tests.courses import ANSWERS, submit
from grader.tests.farm.clusters import DASK, program, scheduler

QUICK = {"problem2": ANSWERS["problem2"]}
FOLDER = Path(examples.__file__).parent

# what Slurm does with a job script, without the waiting
SBATCH = """#!/bin/sh
cp "$1" "$JOBS/script"
sh "$1" >"$JOBS/log" 2>&1 &
echo $! >>"$JOBS/pids"
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
for id in "$@"; do echo "$id" >>"$JOBS/cancelled"; kill "$id" || true; done
"""


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder where a Slurm of two shell scripts keeps its jobs."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("JOBS", str(folder))
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    root = str(Path(grader.__file__).parents[1])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([root, *sys.path]))
    yield folder
    pids = folder / "pids"
    for pid in pids.read_text().split() if pids.exists() else []:
        with suppress(psutil.Error):
            job = psutil.Process(int(pid))
            for process in (*job.children(recursive=True), job):
                process.send_signal(signal.SIGKILL)


def test_the_job_script_asks_for_one_worker() -> None:
    with slurm.make_cluster(memory="6GB") as cluster:
        script = cluster.job_script()
        address = cluster.scheduler_address
    lines = script.splitlines()
    for line in ("-J grade", "-n 1", "--cpus-per-task=1", "--mem=6G", "-t 02:00:00"):
        assert f"#SBATCH {line}" in lines
    (command,) = [line for line in lines if "dask_worker" in line]
    assert address in command
    assert "--nthreads 1" in command
    assert "--preload grader.farm.worker" in command
    assert command.rindex("--memory-limit 0") == command.rindex("--memory-limit")
    assert "GPU" not in script
    assert "gres" not in script


def test_a_job_with_a_card_says_so_to_slurm_and_to_dask() -> None:
    with slurm.make_cluster(gpu=True) as cluster:
        script = cluster.job_script()
    assert "#SBATCH --gres=gpu:1" in script.splitlines()
    assert "--resources GPU=1" in script


@pytest.mark.usefixtures("needs_bubblewrap")
def test_the_slurm_example_grades_and_cancels_its_jobs(
    jobs: Path,
    released_course: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for student in ("ann", "bob", "cem"):
        submit(released_course, student, QUICK)
    monkeypatch.chdir(released_course)
    run = slurm.main(["ps1", "--jobs", "2"])
    assert (run.graded, run.kept, run.faults) == (3, 0, ())
    assert "3 graded now" in capsys.readouterr().out
    assert len((jobs / "pids").read_text().split()) == 2
    assert set((jobs / "cancelled").read_text().split()) == set((jobs / "pids").read_text().split())
    scores = read_scores(Course(released_course), "ps1")
    assert {score.cells["problem2", "test_mean"].score for score in scores.values()} == {3.0}


@pytest.fixture(scope="module")
def manifest() -> dict[tuple[str, str], dict[str, Any]]:
    """The documents of kubernetes.yaml by kind and name."""
    documents = list(yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text()))
    return {(each["kind"], each["metadata"]["name"]): each for each in documents}


def _pod(deployment: dict[str, Any]) -> dict[str, Any]:
    """The pod of a deployment, whose selector must find it."""
    spec = deployment["spec"]
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
    pod: dict[str, Any] = spec["template"]["spec"]
    return pod


def test_the_manifest_hangs_together(manifest: dict[tuple[str, str], dict[str, Any]]) -> None:
    service = manifest["Service", "grader-scheduler"]["spec"]
    scheduler_pod = manifest["Deployment", "grader-scheduler"]["spec"]["template"]
    assert service["selector"] == scheduler_pod["metadata"]["labels"]
    (port,) = service["ports"]
    (container,) = _pod(manifest["Deployment", "grader-scheduler"])["containers"]
    assert container["ports"] == [{"containerPort": port["port"]}]
    worker_pod = _pod(manifest["Deployment", "grader-worker"])
    (worker,) = worker_pod["containers"]
    assert f"tcp://grader-scheduler:{port['port']}" in worker["command"]
    (doctor,) = worker_pod["initContainers"]
    assert doctor["command"] == ["grader", "doctor"]
    assert doctor["securityContext"] == worker["securityContext"]
    assert {each["image"] for each in (container, worker, doctor)} == {"grader"}
    policy = manifest["NetworkPolicy", "grader-scheduler"]["spec"]
    (rule,) = policy["ingress"]
    admitted = [each["podSelector"]["matchLabels"] for each in rule["from"]]
    assert manifest["Deployment", "grader-worker"]["spec"]["selector"]["matchLabels"] in admitted


@pytest.mark.usefixtures("needs_bubblewrap")
def test_the_commands_of_the_manifest_grade(
    manifest: dict[tuple[str, str], dict[str, Any]], released_course: Path, tmp_path: Path
) -> None:
    submit(released_course, "ann", QUICK)
    (container,) = _pod(manifest["Deployment", "grader-scheduler"])["containers"]
    (worker,) = _pod(manifest["Deployment", "grader-worker"])["containers"]
    assert container["command"][:2] == ["dask", "scheduler"]
    extra = {each["name"]: each["value"] for each in container["env"]}
    with ExitStack() as stack:
        # `scheduler` chooses a free port of this machine; the last of two options counts
        options = [part for part in container["command"][2:] if part not in ("--port", "8786")]
        options[options.index("0.0.0.0")] = "127.0.0.1"
        address = stack.enter_context(scheduler(tmp_path, *options, extra=extra))
        command = [
            part.replace("tcp://grader-scheduler:8786", address) for part in worker["command"]
        ]
        stack.enter_context(program([DASK, *command[1:]], tmp_path))
        run = grade(Course(released_course), "ps1", scheduler=address)
    assert (run.graded, run.faults) == (1, ())


def test_the_image_holds_what_a_worker_needs() -> None:
    text = (FOLDER / "Dockerfile").read_text()
    for part in ("bubblewrap", "libseccomp2", "util-linux", "requirements.txt"):
        assert part in text
    root = Path(grader.__file__).parents[1]
    (copied,) = [line for line in text.splitlines() if line.startswith("COPY pyproject")]
    assert all((root / name).exists() for name in copied.split()[1:-1])
