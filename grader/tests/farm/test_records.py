"""What is recorded of every run: time, CPU time, memory, output, for submissions and tests."""

from __future__ import annotations

import json
import os
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
import subprocess, sys, time
def burn(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        sum(range(1000))
def mean(rows):
    burn(0.4)
    code = 'import time\\nwhile time.process_time() < 0.3: sum(range(1000))'
    subprocess.run([sys.executable, '-c', code], check=True)
    return 4
print('x' * 1000)
"""


@pytest.fixture(params=["bubblewrap", "none"])
def record(request: pytest.FixtureRequest, released_course: Path) -> SubmissionRecord:
    """Of a submission whose function `mean` works for a while, itself and in a child."""
    if request.param == "bubblewrap":
        request.getfixturevalue("needs_bubblewrap")
    submit(released_course, "ann", changed("problem2", "mean", BUSY))
    course = Course(released_course)
    conditions = conditions_of(course, "ps1", SandboxMode(request.param))
    (submission,) = course.submissions("ps1")
    return grade_job(read_job(conditions, submission))


def test_a_record_says_what_a_run_used(record: SubmissionRecord) -> None:
    started = time.time()
    first, second = record.results
    tests = {test.grade_id: test for test in second.tests}
    busy, quick = tests["test_mean"], tests["test_counter"]
    assert busy.outcome == "passed"
    # of 0.4 s and 0.3 s; the system counts ended children in hundredths
    assert busy.cpu >= 0.65, "the function's own time and that of the process it started"
    assert busy.duration >= 0.7
    assert 0 < quick.cpu < busy.cpu
    assert second.cpu >= busy.cpu + quick.cpu
    assert first.cpu > 0
    assert second.wall > second.kernel_start > 0
    assert second.peak_memory > 2**20
    assert second.peak_gpu_memory == 0
    assert second.output_size >= 1000
    assert record.worker == os.uname().nodename
    assert record.finished <= started


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
    code = "import time\nwhile time.process_time() < 0.3: sum(range(1000))"
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', "
            f"{code!r}])\nprint('done', flush=True)\nsys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        used = usage.cpu_seconds([parent.pid, parent.pid])
        parent.communicate()
    assert 0.3 <= used < 30
    assert usage.cpu_seconds([parent.pid]) == 0, "it is gone"
    own = usage.cpu_seconds([os.getpid()])
    elsewhere = usage._cpu_seconds_elsewhere(os.getpid())
    assert own == pytest.approx(elsewhere, abs=1)


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
