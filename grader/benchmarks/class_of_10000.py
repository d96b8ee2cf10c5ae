"""Does the cost of a submission grow with the class? Ten thousand of them, simulated.

One submission is graded for real and its record kept. A class of copies is then graded the whole
way, from reading each submission to its row in an SQLite gradebook; only the sandbox is left out: a
worker sleeps for 0.2 s and returns that record under the student's name. Sleeping workers cost no
CPU, so that many fit on a small machine; they and the scheduler are a process of their own, which
the client reaches as it reaches any cluster.

Prints what the last 500 submissions before the 1,000th and before the last one cost each: CPU time
of the client (reading, storing and scoring) and of the cluster (scheduling), and wall time; and how
much memory both hold. The ratios say whether that grows.

    python grader/benchmarks/class_of_10000.py [--runs SLOTS:SUBMISSIONS ...] [--seconds S]
"""

from __future__ import annotations

import argparse
import functools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import dask
import psutil
from distributed import LocalCluster

from grader.course import Course
from grader.farm import ResultStore, SubmissionRecord, grade
from grader.farm.cluster import QUIET
from grader.farm.job import Job
from grader.release import release_assignment
from grader.tests.courses import ANSWERS, make_course, submit

FIRST = 1000
WINDOW = 500
RUNS = ("2:2000", "8:4000", "32:10000")
QUICK = {"problem2": ANSWERS["problem2"]}


@dataclass(frozen=True)
class Mark:
    """The state of a run when so many submissions were done. Seconds, and MiB."""

    done: int
    wall: float
    client: float
    cluster: float
    client_memory: float
    cluster_memory: float


def main() -> None:
    """Grade a class for each of the runs asked for."""
    parser = argparse.ArgumentParser(description="Grades simulated classes.")
    parser.add_argument("--runs", nargs="+", default=RUNS, metavar="SLOTS:SUBMISSIONS")
    parser.add_argument("--seconds", type=float, default=0.2, help="what a submission takes")
    parser.add_argument("--cluster", type=int, metavar="SLOTS", help=argparse.SUPPRESS)
    parser.add_argument("--client", nargs=2, metavar=("COURSE", "CLUSTER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cluster:
        _be_cluster(options.cluster)
    elif options.client:
        _be_client(Path(options.client[0]), int(options.client[1]), options.seconds)
    else:
        with tempfile.TemporaryDirectory(prefix="grader-bench-") as folder:
            template = _recorded(Path(folder) / "template")
            for run in options.runs:
                slots, count = map(int, run.split(":"))
                root = shutil.copytree(template, Path(folder) / f"class-{slots}")
                _hand_in(root, count)
                _measure(root, slots, options.seconds)
                shutil.rmtree(root)


def _recorded(root: Path) -> Path:
    """A course with one submission, whose record is in record.json."""
    make_course(root)
    release_assignment(Course(root), "ps1")
    submit(root, "template", QUICK)
    grade(Course(root), "ps1", workers=1)
    record = ResultStore(Course(root), "ps1").load("template")
    assert record is not None
    assert not record.fault, record.fault
    text = json.dumps(replace(record, scored=False).to_json())
    (root / "record.json").write_text(text, encoding="utf-8")
    for name in (".grader", "autograded"):
        shutil.rmtree(root / name)
    (root / "gradebook.db").unlink()
    release_assignment(Course(root), "ps1")
    return root


def _hand_in(root: Path, count: int) -> None:
    """Copies of the one submission, each with a word of its own."""
    first = root / "submitted" / "template"
    text = (first / "ps1" / "problem2.ipynb").read_text(encoding="utf-8")
    data = (first / "ps1" / "data.csv").read_bytes()
    shutil.rmtree(first)
    for number in range(count):
        folder = root / "submitted" / f"s{number:05}" / "ps1"
        folder.mkdir(parents=True)
        mine = text.replace("my own experiment", f"experiment {number}")
        (folder / "problem2.ipynb").write_text(mine, encoding="utf-8")
        (folder / "data.csv").write_bytes(data)


def _measure(root: Path, slots: int, seconds: float) -> None:
    """One run: a cluster, and a client that prints what it finds."""
    script = str(Path(__file__).resolve())
    with subprocess.Popen(
        [sys.executable, script, "--cluster", str(slots)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as cluster:
        assert cluster.stdout is not None
        address = cluster.stdout.readline().strip()
        (root / "address.txt").write_text(address, encoding="utf-8")
        command = [sys.executable, script, "--client", str(root), str(cluster.pid)]
        print(f"{slots} slots, {seconds:g} s a submission", flush=True)
        subprocess.run([*command, "--seconds", str(seconds)], check=True)
        cluster.communicate("end\n")


def _be_cluster(slots: int) -> None:
    """A scheduler, and workers that are threads; lasts until it reads a line."""
    with (
        dask.config.set(QUIET),
        LocalCluster(
            n_workers=slots,
            threads_per_worker=1,
            processes=False,
            protocol="tcp",
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            memory_limit=0,
        ) as cluster,
    ):
        print(cluster.scheduler_address, flush=True)
        sys.stdin.readline()


def replay(recorded: SubmissionRecord, seconds: float, job: Job) -> SubmissionRecord:
    """What a worker does instead of running a submission."""
    time.sleep(seconds)
    return replace(recorded, student=job.student, key=job.key)


def _be_client(root: Path, cluster_pid: int, seconds: float) -> None:
    """Grade the class, and print what it cost."""
    recorded = SubmissionRecord.from_json(json.loads((root / "record.json").read_text("utf-8")))
    client, cluster = psutil.Process(), psutil.Process(cluster_pid)
    marks: list[Mark] = []
    done = 0

    def mark() -> None:
        times = [sum(process.cpu_times()[:2]) for process in (client, cluster)]
        memory = [process.memory_info().rss / 2**20 for process in (client, cluster)]
        marks.append(Mark(done, time.perf_counter(), *times, *memory))

    def on_record(_record: SubmissionRecord) -> None:
        nonlocal done
        done += 1
        if done % WINDOW == 0:
            mark()

    started = time.perf_counter()
    grade(
        Course(root),
        "ps1",
        scheduler=(root / "address.txt").read_text("utf-8"),
        on_record=on_record,
        work=functools.partial(replay, recorded, seconds),
    )
    wall = time.perf_counter() - started
    records = ResultStore(Course(root), "ps1")
    assert all(records.load(path.name).scored for path in (root / "submitted").iterdir())
    print(f"  {done} submissions in {wall:.0f} s, {1000 * wall / done:.1f} ms each")
    _report(marks)


def _report(marks: list[Mark]) -> None:
    """Cost of a submission early and late, and their ratio."""
    rows = []
    for late in (FIRST, marks[-1].done):
        at = late // WINDOW - 1
        before, after = marks[at - 1], marks[at]
        each = 1000 / (after.done - before.done)
        rows.append(
            (
                (after.client - before.client) * each,
                (after.cluster - before.cluster) * each,
                (after.wall - before.wall) * each,
                after.client_memory,
                after.cluster_memory,
            )
        )
        client, cluster, wall, ours, theirs = rows[-1]
        print(
            f"  at {late:6}: client CPU {client:6.2f} ms, cluster CPU {cluster:6.2f} ms, "
            f"wall {wall:6.2f} ms; client {ours:5.0f} MiB, cluster {theirs:5.0f} MiB"
        )
    ratios = [second / first for first, second in zip(*rows, strict=True)]
    client, cluster, wall, ours, theirs = ratios
    both = sum(rows[1][:2]) / sum(rows[0][:2])
    print(
        f"  ratio    : client CPU {client:6.2f}, cluster CPU {cluster:6.2f}, both {both:4.2f}, "
        f"wall {wall:6.2f}; client memory {ours:5.2f}, cluster memory {theirs:5.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
