"""Whole runs of the program that are stopped, robbed of a worker, and attacked."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import nbformat
import psutil
import pytest

from grader import cli
from grader.course import Course
from grader.farm import ResultStore
from grader.release import release_assignment
from grader.scoring import read_scores
from grader.tests.courses import ANSWERS, make_course, submit
from grader.tests.workers import workers_among

pytestmark = pytest.mark.usefixtures("needs_bubblewrap")

COUNT = 12
PATIENCE = 220.0
QUICK = {"problem2": ANSWERS["problem2"]}


@pytest.fixture(scope="module")
def big_class(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dozen quick submissions; these tests run in order and share the results."""
    root = make_course(tmp_path_factory.mktemp("big") / "course", "c.Grader.workers = 2")
    release_assignment(Course(root), "ps1")
    for number in range(COUNT):
        submit(root, f"s{number:02}", QUICK)
    return root


@contextmanager
def _running(root: Path) -> Iterator[subprocess.Popen[str]]:
    """`grader grade ps1` in a session of its own, as a terminal runs it; gone at the end."""
    program = subprocess.Popen(
        [sys.executable, "-m", "grader", "--course", str(root), "grade", "ps1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # a shell without job control starts what it puts in the background deaf to Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    family: list[psutil.Process] = []
    try:
        yield program
        family = _family(program)
    finally:
        if program.poll() is None:
            family = _family(program)
            program.kill()
            program.communicate()
        _, alive = psutil.wait_procs(family, timeout=20)
        for process in alive:
            process.kill()
    assert alive == [], "the program left something running"


def _family(program: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        return psutil.Process(program.pid).children(recursive=True)
    except psutil.Error:
        return []


def _named(program: subprocess.Popen[str], word: str) -> list[psutil.Process]:
    """The processes under `program` that have `word` in their command line."""
    found = []
    for process in _family(program):
        with suppress(psutil.Error):
            if word in " ".join(process.cmdline()):
                found.append(process)
    return found


def _wait(condition: Callable[[], object], program: subprocess.Popen[str]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert program.poll() is None, program.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)


def _times(root: Path) -> dict[str, int]:
    """When each stored result was made."""
    store = ResultStore(Course(root), "ps1")
    folder = root / ".grader" / "results" / "ps1"
    records = {record.student: record for record in store.load_all()}
    assert all(not record.fault for record in records.values())
    return {
        name: (folder / f"{name}.json").stat().st_mtime_ns
        for name, record in records.items()
        if record.scored
    }


def test_a_run_that_is_stopped_keeps_what_is_finished(big_class: Path) -> None:
    with _running(big_class) as program:
        _wait(lambda: _times(big_class), program)
        os.killpg(program.pid, signal.SIGINT)
        out, err = program.communicate(timeout=PATIENCE)
    assert program.returncode == 130, err
    assert out == ""
    (sentence,) = err.splitlines()
    kept = _times(big_class)
    assert 1 <= len(kept) < COUNT
    assert sentence.startswith("Error: Stopped: ")
    assert sentence.endswith("are graded and kept. Run the same command to grade the rest.")


def test_the_next_run_does_the_rest_though_a_worker_is_killed(big_class: Path) -> None:
    kept = _times(big_class)
    with _running(big_class) as program:
        _wait(lambda: _named(program, "grader_sandbox"), program)  # a submission is running
        workers_among(_family(program))[0].kill()
        out, err = program.communicate(timeout=PATIENCE)
    assert (program.returncode, err) == (0, "")
    assert out.count("s0") + out.count("s1") == COUNT
    times = _times(big_class)
    assert len(times) == COUNT
    assert {name: times[name] for name in kept} == kept, "nothing is graded twice"
    scores = read_scores(Course(big_class), "ps1")
    assert {score.cells["problem2", "test_mean"].score for score in scores.values()} == {3.0}


def test_another_run_has_nothing_to_do(big_class: Path) -> None:
    times = _times(big_class)
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["grader", "--course", str(big_class), "grade", "ps1"])
        code = cli.run(cli.app)
    assert (code, err.getvalue()) == (0, "")
    assert f"0 graded now, {COUNT} kept from before." in out.getvalue()
    assert _times(big_class) == times


FORGE = """
import json
kernel = get_ipython().kernel
session, iopub = kernel.session, kernel.iopub_socket
session.pack = lambda value: json.dumps(value, default=str).encode()
def say(kind, content):
    session.send(iopub, kind, content, parent=kernel.get_parent())
"""

HOSTILE = {
    "a-surrogates": FORGE + r"say('stream', {'name': 'stdout', 'text': '\ud800'})",
    "b-outputs": FORGE + "say('display_data', {'data': {'image/png': {}}, 'metadata': {}})",
    "c-counts": FORGE + "say('execute_input', {'code': '', 'execution_count': {}})",
    "d-garbage": "get_ipython().kernel.shell_stream.send_multipart([b'garbage'])",
    "e-killer": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "f-parents": "import os, signal\nfor pid in range(1, 400):\n    try:\n        os.kill(pid, 9)\n"
    "    except OSError: pass",
    "g-prints": "print('[bold]\\x1b[31m<script>' * 1000)\nraise ValueError('[red]\\x1b]0;x\\x07')",
}


def test_one_hostile_submission_never_stops_the_others(released_course: Path) -> None:
    def add(code: str) -> Callable[[str, nbformat.NotebookNode], None]:
        return lambda _, notebook: notebook.cells.insert(1, nbformat.v4.new_code_cell(code))

    for student, code in HOSTILE.items():
        submit(released_course, student, QUICK, add(code))
    folder = released_course / "submitted" / "a-surrogates" / "ps1"
    (folder / "timestamp.txt").write_text("yesterday")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe.py")).write_text("")
    (folder / "loop").symlink_to(folder)
    submit(released_course, "z-honest", QUICK)
    with _running(released_course) as program:
        out, err = program.communicate(timeout=PATIENCE)
    assert (program.returncode, err) == (0, "")
    assert "\x1b" not in out
    scores = read_scores(Course(released_course), "ps1")
    assert set(scores) == {*HOSTILE, "z-honest"}
    assert scores["z-honest"].cells["problem2", "test_mean"].score == 3
    # its own cell is lost, and the others run in a second kernel
    assert scores["e-killer"].cells["problem2", "test_mean"].score == 3
    assert scores["g-prints"].cells["problem2", "test_mean"].score == 3
    records = {r.student: r for r in ResultStore(Course(released_course), "ps1").load_all()}
    assert not any(record.fault for record in records.values())
