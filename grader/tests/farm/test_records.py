"""What is recorded of every run: time, CPU time, memory, output, for submissions and tests."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grader.course import Course
from grader.farm import SubmissionRecord
from grader.farm.job import conditions_of, grade_job, read_job
from grader.sandbox import SandboxMode, usage
from grader.split import NotebookResult
from grader.tests.courses import changed, submit

BUSY = """
import json, resource, subprocess, sys, time
def used(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime
def mean(rows):
    started, until = time.monotonic(), used(resource.RUSAGE_SELF) + 0.4
    while used(resource.RUSAGE_SELF) < until:
        sum(range(1000))
    before = used(resource.RUSAGE_CHILDREN)
    code = 'import time\\nwhile time.process_time() < 0.3: sum(range(1000))'
    subprocess.run([sys.executable, '-c', code], check=True)
    child = used(resource.RUSAGE_CHILDREN) - before
    print('used', json.dumps({'cpu': 0.4 + child, 'wall': time.monotonic() - started}), 'so far')
    return 4
print('x' * 1000)
"""
TICKS = 0.05
"""Seconds: the system counts four kinds of CPU time, each in whole hundredths."""


@pytest.mark.parametrize("sandbox", ["bubblewrap", "none"])
def test_a_record_says_what_a_run_used(
    request: pytest.FixtureRequest, released_course: Path, sandbox: str
) -> None:
    """Of a submission whose function `mean` works for a while, itself and in a child."""
    if sandbox == "bubblewrap":
        request.getfixturevalue("needs_bubblewrap")
    submit(released_course, "ann", changed("problem2", "mean", BUSY))
    course = Course(released_course)
    conditions = conditions_of(course, "ps1", SandboxMode(sandbox))
    (submission,) = course.submissions("ps1")
    started = time.time()
    record = grade_job(read_job(conditions, submission))
    ended = time.time()
    first, second = record.results
    tests = {test.grade_id: test for test in second.tests}
    busy, quick = tests["test_mean"], tests["test_counter"]
    assert busy.outcome == "passed"
    said = json.loads(re.findall(r"used (\{.*\}) so far", _printed(second))[0])
    assert busy.cpu >= said["cpu"] - TICKS, "its own time and that of the process it started"
    assert busy.duration >= said["wall"]
    assert 0 < quick.cpu < busy.cpu
    assert second.cpu >= busy.cpu + quick.cpu
    assert first.cpu > 0
    assert second.wall > second.kernel_start > 0
    assert second.peak_memory > 2**20
    assert second.peak_gpu_memory == 0
    assert second.output_size >= 1000
    assert record.worker == os.uname().nodename
    assert round(started, 3) <= record.finished <= round(ended, 3)


def _printed(result: NotebookResult) -> str:
    """All that was printed while a notebook ran."""
    outputs = (o for cell in result.executed["cells"] for o in cell.get("outputs", ()))
    return "".join("".join(output.get("text", "")) for output in outputs)


def test_records_of_older_graders_can_be_read() -> None:
    old: dict[str, Any] = {
        "format": 1,
        "student": "ann",
        "assignment": "ps1",
        "key": "k",
        "results": [
            {
                "notebook": "problem1",
                "tests": [
                    {
                        "grade_id": "t",
                        "outcome": "passed",
                        "message": "",
                        "duration": 0.1,
                        "partial": None,
                        "where": "test",
                    }
                ],
                "failures": [],
                "executed": {},
                "ended_early": "",
                "unexplained": False,
                "wall": 1.0,
                "kernel_start": 0.5,
                "peak_memory": 1000,
            }
        ],
        "problems": {},
        "unreadable": {},
        "timestamp": "",
        "fault": "",
        "scored": True,
    }
    record = SubmissionRecord.from_json(json.loads(json.dumps(old)))
    assert (record.handed_in, record.finished, record.worker) == ("", 0.0, "")
    (result,) = record.results
    assert (result.cpu, result.peak_gpu_memory, result.output_size) == (0.0, 0, 0)
    assert result.tests[0].cpu == 0.0


def test_a_result_survives_json() -> None:
    result = NotebookResult("n", (), (), {}, cpu=1.5, peak_gpu_memory=7, output_size=9)
    assert NotebookResult.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_cpu_time_counts_children_that_ended() -> None:
    code = (
        "import time\nwhile time.process_time() < 0.3: sum(range(1000))\n"
        "print(time.process_time(), flush=True)"
    )
    before = _ended_children()
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', "
            f"{code!r}])\nprint('done', flush=True)\nsys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout is not None
        said = float(parent.stdout.readline())
        assert parent.stdout.readline() == "done\n"
        used = usage.cpu_seconds([parent.pid, parent.pid])
        parent.communicate()
    # named twice, counted once
    assert said - TICKS <= used <= _ended_children() - before + TICKS
    assert usage.cpu_seconds([parent.pid]) == 0, "it is gone"
    own = usage.cpu_seconds([os.getpid()])
    elsewhere = usage._cpu_seconds_elsewhere(os.getpid())
    assert own == pytest.approx(elsewhere, abs=1)


def _ended_children() -> float:
    """CPU time of all processes that this one started and waited for."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def test_memory_on_cards_is_summed_over_the_processes_of_a_kernel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running = {0: [(10, 100), (11, 7)], 1: [(10, None), (12, 50)]}

    class NVMLError(Exception):
        pass

    library = SimpleNamespace(
        NVMLError=NVMLError,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda number: number,
        nvmlDeviceGetComputeRunningProcesses=lambda card: [
            SimpleNamespace(pid=pid, usedGpuMemory=size) for pid, size in running[card]
        ],
    )
    monkeypatch.setattr(usage, "_nvml", lambda: library)
    assert usage.gpu_memory({10, 12}) == 150
    assert usage.gpu_memory({99}) == 0

    def fail(_number: int) -> None:
        raise NVMLError

    library.nvmlDeviceGetHandleByIndex = fail
    assert usage.gpu_memory({10}) == 0
    monkeypatch.setattr(usage, "_nvml", lambda: None)
    assert usage.gpu_memory({10}) == 0
