"""A class that is graded while the processes that grade it are killed, one after the other."""

from __future__ import annotations

import random
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import psutil

from grader.course import Course
from grader.farm import ResultStore, SubmissionRecord
from grader.release import release_assignment
from grader.scoring import read_scores
from grader.tests.courses import ANSWERS, changed, make_course, submit
from grader.tests.farm.clusters import program, worker
from grader.tests.workers import workers_among

ENDED = 180.0
"""Seconds in which a program must end, or do something, on a busy machine."""
WRONG = "def mean(rows):\n    return 5"
RAISES = "def mean(rows):\n    raise ValueError('no')"
CELLS = 11
"""Cells of ps1 that the gradebook keeps a grade of."""


def make_class(root: Path, count: int) -> dict[str, float]:
    """A course with `count` quick submissions; the points of test_mean that each must get."""
    make_course(root, "c.Grader.workers = 2")
    release_assignment(Course(root), "ps1")
    expected = {}
    for number in range(count):
        student = f"s{number:03}"
        answers = {
            "problem2": [
                ANSWERS["problem2"],
                changed("problem2", "mean", WRONG)["problem2"],
                changed("problem2", "mean", RAISES)["problem2"],
            ][number % 3]
        }
        submit(root, student, answers)
        expected[student] = 0.0 if number % 3 else 3.0
    return expected


class Run:
    """Grades a class with `grader grade`, again and again, while it is robbed of processes.

    Args:
        root: the course.
        folder: for logs.
        seed: of the moments and the victims.
        scheduler: address of a cluster; "" for workers of the program's own.
    """

    def __init__(self, root: Path, folder: Path, seed: int) -> None:
        self.killed: Counter[str] = Counter()
        self.sentences: list[str] = []
        self.codes: Counter[int] = Counter()
        self._root = root
        self._folder = folder
        self._chance = random.Random(seed)
        self._stack = ExitStack()
        self._store = ResultStore(Course(root), "ps1")
        self._client: subprocess.Popen[str] | None = None
        self._cluster: _Cluster | None = None
        self._kept: dict[str, SubmissionRecord] = {}
        self._seen: set[psutil.Process] = set()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self._look()
        for process in self._seen:
            with suppress(psutil.Error):
                if process.is_running():
                    process.kill()
        if self._client is not None:
            self._client.communicate()
        self.leave_cluster()

    def use_cluster(self) -> None:
        """From the next start on, grade on a scheduler and two workers that run by themselves."""
        self.leave_cluster()
        self._cluster = _Cluster(self._folder)

    def leave_cluster(self) -> None:
        """Grade on workers of the program's own again."""
        if self._cluster is not None:
            self._cluster.close()
            self._cluster = None

    def kill(self, victim: str, after: int) -> None:
        """Kill a process at a random moment after so many more submissions are stored.

        Args:
            victim: client, worker, scheduler, or zygote (a process of a sandbox).
            after: less where the class has not so many left.
        """
        self._check_kept()
        if self._over() and len(self._records()) > self._size() - 5:
            self._forget(20)
        self._start()
        wanted = min(len(self._kept) + after, self._size() - 1)
        self._wait(lambda: len(self._records()) >= wanted or self._over())
        self._wait(lambda: self._victims(victim) or self._over())
        time.sleep(self._chance.uniform(0, 0.5))
        self._look()
        found = self._victims(victim)
        if not found:
            return  # the run ended before it could be robbed
        self._kept = self._records()
        with suppress(psutil.Error):
            self._chance.choice(found).kill()
            self.killed[victim] += 1
            print(f"kill {self.killed.total()}: {victim}, {len(self._kept)} stored", flush=True)
        if victim in ("client", "scheduler"):
            self._end()

    def finish(self) -> int:
        """Let the program run to its end, again where it asks for it; its last exit code."""
        code = 1
        for _ in range(3):
            self._check_kept()
            self._start()
            self._kept = self._records()
            code = self._end()
            if code == 0:
                break
        self._check_kept()
        return code

    def left_over(self) -> list[str]:
        """Command lines of what is still there of all that was ever started.

        A cluster is stopped first: its workers keep their zygotes for the next run.
        """
        self.leave_cluster()
        _, alive = psutil.wait_procs(self._seen, timeout=60)
        lines = []
        for process in alive:
            with suppress(psutil.Error):
                lines.append(" ".join(process.cmdline()))
        return lines

    def _forget(self, number: int) -> None:
        """Take results out of the store, so that there is something left to grade."""
        for student in sorted(self._records())[:number]:
            (self._root / ".grader" / "results" / "ps1" / f"{student}.json").unlink()
            self._kept.pop(student, None)

    def _start(self) -> None:
        """Start what is not running."""
        options: list[str] = []
        if self._cluster is not None:
            self._cluster.repair()
            options = ["--scheduler", self._cluster.address]
        if self._over():
            self._end()
            command = [sys.executable, "-m", "grader", "--course", str(self._root), "grade", "ps1"]
            self._client = subprocess.Popen(
                [*command, *options],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )

    def _end(self) -> int:
        """Wait until the program has ended; its exit code."""
        if self._client is None:
            return 0
        self._look()
        _, err = self._client.communicate(timeout=5 * ENDED)
        code = self._client.returncode
        assert "Traceback" not in err, err
        if code > 0:
            self.sentences.append(err.strip())
        self.codes[code] += 1
        self._client = None
        return code

    def _over(self) -> bool:
        return self._client is None or self._client.poll() is not None

    def _wait(self, condition: Callable[[], object]) -> None:
        until = time.monotonic() + ENDED
        while not condition():
            assert time.monotonic() < until, "nothing happened"
            if self._cluster is not None:
                self._cluster.repair()  # workers end some time after their scheduler
            time.sleep(0.05)

    def _size(self) -> int:
        return len(list((self._root / "submitted").iterdir()))

    def _records(self) -> dict[str, SubmissionRecord]:
        """What is stored, without faults of ours."""
        return {each.student: each for each in self._store.load_all() if not each.fault}

    def _check_kept(self) -> None:
        """What was stored once is never run again."""
        now = self._records()
        for student, record in self._kept.items():
            assert now[student].results == record.results, f"{student} was graded twice"

    def _look(self) -> None:
        """Note all processes that the program has started."""
        if self._client is not None:
            with suppress(psutil.Error):
                client = psutil.Process(self._client.pid)
                self._seen |= {client, *client.children(recursive=True)}
        if self._cluster is not None:
            self._seen |= set(self._cluster.sandboxes())

    def _victims(self, victim: str) -> list[psutil.Process]:
        if self._over() or self._client is None:
            return []
        with suppress(psutil.Error):
            client = psutil.Process(self._client.pid)
            if victim == "client":
                return [client]
            if self._cluster is not None and victim == "scheduler":
                return self._cluster.scheduler()
            if self._cluster is not None and victim == "worker":
                return self._cluster.workers()
            family = client.children(recursive=True)
            if victim == "worker":
                return workers_among(family)
            if self._cluster is not None:
                family = self._cluster.sandboxes()
            zygotes = [each for each in family if _has(each, "zygote")]
            return zygotes or [each for each in family if _has(each, "launcher")]
        return []


class _Cluster:
    """A scheduler on a port that stays the same, and two workers."""

    def __init__(self, folder: Path) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self._port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self._port}"
        self._folder = folder
        self._running: dict[str, tuple[subprocess.Popen[bytes], ExitStack]] = {}

    def repair(self) -> None:
        """Start again what is gone."""
        for name in ("scheduler", "worker-1", "worker-2"):
            if name in self._running and self._running[name][0].poll() is not None:
                self._running.pop(name)[1].close()
            if name not in self._running:
                stack = ExitStack()
                self._running[name] = (stack.enter_context(self._program(name)), stack)

    def close(self) -> None:
        """End all of it."""
        for _, stack in self._running.values():
            stack.close()

    def scheduler(self) -> list[psutil.Process]:
        """The scheduler's process."""
        return [psutil.Process(self._running["scheduler"][0].pid)]

    def workers(self) -> list[psutil.Process]:
        """The workers' processes, and those that look after them."""
        nannies = self._nannies()
        family = [child for nanny in nannies for child in nanny.children()]
        return nannies + [each for each in family if _has(each, "spawn_main")]

    def sandboxes(self) -> list[psutil.Process]:
        """All that the workers started."""
        found = []
        for nanny in self._nannies():
            with suppress(psutil.Error):
                for process in nanny.children():
                    found += process.children(recursive=True)
        return found

    def _nannies(self) -> list[psutil.Process]:
        running = [p for name, (p, _) in self._running.items() if name != "scheduler"]
        found = []
        for process in running:
            with suppress(psutil.Error):
                found.append(psutil.Process(process.pid))
        return found

    @contextmanager
    def _program(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        if name != "scheduler":
            with worker(self.address, self._folder) as process:
                yield process
            return
        dask = str(Path(sys.executable).with_name("dask"))
        options = ["--host", "127.0.0.1", "--port", str(self._port), "--no-dashboard"]
        with program([dask, "scheduler", *options], self._folder) as process:
            yield process


def _has(process: psutil.Process, word: str) -> bool:
    with suppress(psutil.Error):
        return any(word in part for part in process.cmdline())
    return False


def check(root: Path, expected: dict[str, float]) -> None:
    """Every submission is graded exactly once, with the right score."""
    course = Course(root)
    records = {record.student: record for record in ResultStore(course, "ps1").load_all()}
    assert set(records) == set(expected)
    assert [name for name, record in records.items() if record.fault or not record.scored] == []
    scores = read_scores(course, "ps1")
    points = {name: score.cells["problem2", "test_mean"].score for name, score in scores.items()}
    assert points == expected
    others = {score.cells["problem2", "test_counter"].score for score in scores.values()}
    assert others == {2.0}
    with closing(sqlite3.connect(root / "gradebook.db")) as database:

        def count(what: str) -> int:
            found: int = database.execute(f"SELECT count(*) FROM {what}").fetchone()[0]
            return found

        assert count("submitted_assignment") == count("student") == len(expected)
        assert count("submitted_notebook") == 2 * len(expected)
        assert count("grade") == CELLS * len(expected)
        assert count("(SELECT DISTINCT cell_id, notebook_id FROM grade)") == CELLS * len(expected)
    for name in expected:
        kept = {path.name for path in (root / "autograded" / name / "ps1").iterdir()}
        assert kept == {"problem1.ipynb", "problem2.ipynb", "data.csv"}
    folder = root / ".grader" / "results" / "ps1"
    assert {path.name for path in folder.iterdir()} == {f"{name}.json" for name in expected}
