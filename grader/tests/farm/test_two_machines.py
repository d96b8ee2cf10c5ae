"""Grading over a network, between two machines that share nothing but a cable.

Both are network namespaces of this machine, joined by a veth pair; the second has a name of its
own, and an empty folder where the course is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader.course import Course
from grader.farm import ResultStore
from grader.release import release_assignment
from grader.scoring import read_scores
from grader.tests.courses import ANSWERS, make_course, submit
from grader.tests.farm.clusters import DASK, WORKER, program, wait

QUICK = {"problem2": ANSWERS["problem2"]}
PORT = 8786
NETWORK = "10.77.0"

LEAVE = "unshare --net --mount --uts --pid --fork --kill-child --mount-proc"

FIRST = f"""
set -eu
ip link set lo up
{LEAVE} sh "$1" "$2" "$3" &
trap "kill -KILL $!" EXIT
until [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.05; done
ip link add veth-a type veth peer name veth-b netns $!
ip address add {NETWORK}.1/24 dev veth-a
ip link set veth-a up
$DROP {sys.executable} -m grader --course "$2" grade ps1 --scheduler tcp://{NETWORK}.2:{PORT}
"""

SECOND = f"""
set -eu
hostname machine-b
mount -t tmpfs none "$1"
ip link set lo up
until ip address add {NETWORK}.2/24 dev veth-b 2>/dev/null; do sleep 0.05; done
ip link set veth-b up
cd "$2"
$DROP {DASK} scheduler --host {NETWORK}.2 --port {PORT} --no-dashboard &
exec $DROP {DASK} worker tcp://{NETWORK}.2:{PORT} {" ".join(WORKER)} --nworkers 2 --no-dashboard
"""


def _enter() -> tuple[list[str], str]:
    """The command that enters a first machine, and what drops its privileges again."""
    if os.geteuid() == 0:
        return ["unshare", "--net"], ""
    # root of a namespace of its own; bubblewrap wants to start without privileges
    drop = "setpriv --inh-caps=-all --ambient-caps=-all"
    return ["unshare", "--user", "--map-current-user", "--keep-caps", "--net"], drop


@pytest.fixture
def machines() -> tuple[list[str], str]:
    """`_enter`, where this machine lets us make networks."""
    if not shutil.which("ip") or not shutil.which("unshare"):
        pytest.skip("needs the programs ip (package iproute2) and unshare (util-linux)")
    enter, drop = _enter()
    probe = f"ip link add veth-a type veth peer name veth-b && {LEAVE} true"
    done = subprocess.run(
        [*enter, "sh", "-c", probe], capture_output=True, text=True, check=False, timeout=30
    )
    if done.returncode:
        pytest.skip(f"this machine lets nobody make networks: {done.stderr.strip()}")
    return enter, drop


@pytest.mark.usefixtures("needs_bubblewrap")
def test_another_machine_grades(machines: tuple[list[str], str], tmp_path: Path) -> None:
    enter, drop = machines
    root = make_course(tmp_path / "course")
    release_assignment(Course(root), "ps1")
    for student in ("ann", "bob", "cem"):
        submit(root, student, QUICK)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    second = tmp_path / "second.sh"
    second.write_text(SECOND)
    command = [*enter, "sh", "-c", FIRST, "sh", str(second), str(root), str(elsewhere)]
    with program(command, tmp_path, {"DROP": drop}) as first:
        wait(lambda: first.poll() is not None)
    said = (tmp_path / "log.txt").read_text()
    assert first.returncode == 0, said
    assert "3 graded now, 0 kept from before." in said
    records = ResultStore(Course(root), "ps1").load_all()
    assert {record.worker for record in records} == {"machine-b"}
    scores = read_scores(Course(root), "ps1")
    assert {score.cells["problem2", "test_mean"].score for score in scores.values()} == {3.0}
