"""How kernels end: alone, by a kill, or with the grader; and that nothing of them is left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from grader.sandbox.kernelspec import SandboxMode
from grader.sandbox.memory import find_cgroup
from grader.sandbox.watchdog import DeathReason
from grader.tests.sandbox import support
from grader.tests.sandbox.support import needs_bubblewrap, started

pytestmark = [needs_bubblewrap, pytest.mark.usefixtures("start")]


def test_exit_is_reported() -> None:
    with started() as kernel:
        kernel.send(
            "import os; os.write(2, b'x'); sys = __import__('sys')\n"
            "sys.__stderr__.write('last\\x1b[31m words'); sys.__stderr__.flush(); os._exit(7)"
        )
        assert kernel.wait_gone()
        death = kernel.manager.death
        assert death is not None
        assert (death.reason, death.exit_code) == (DeathReason.EXITED, 7)
        assert death.detail.isprintable()


def test_a_watchdog_that_fails_kills(monkeypatch: pytest.MonkeyPatch) -> None:
    with started() as kernel:

        def fail() -> int:
            raise ValueError("no number")

        monkeypatch.setattr(kernel.process.meter, "usage", fail)
        assert kernel.wait_gone()
        death = kernel.manager.death
        assert death is not None
        assert death.sentence == "killed: it could not be watched (ValueError: no number)"


DAEMON = """
import os, time
got, out = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        import signal
        for number in range(1, 32):
            if number not in (signal.SIGKILL, signal.SIGSTOP):
                signal.signal(number, signal.SIG_IGN)
        os.write(out, str(os.getpid()).encode())
        time.sleep(600)
    os._exit(0)
print(int(os.read(got, 20)))
"""


@pytest.mark.parametrize("end", ["shutdown", "exit", "close"])
def test_nothing_outlives_the_kernel(end: str) -> None:
    with started() as kernel:
        assert kernel.run(DAEMON).status == "ok"
        family = [process.pid for process in kernel.process.family()]
        assert len(family) >= 2
        if end == "shutdown":
            kernel.await_(kernel.manager.shutdown_kernel())
        elif end == "exit":
            kernel.send("os._exit(0)")
            assert kernel.wait_gone()
        else:
            kernel.manager.close()
        assert not any(map(psutil.pid_exists, family))


def test_kill_is_final_for_a_kernel_that_ignores_signals() -> None:
    with started() as kernel:
        family = [process.pid for process in kernel.process.family()]
        kernel.send(
            "import signal\nprint('begun', flush=True)\n"
            "for n in (2, 15): signal.signal(n, signal.SIG_IGN)\n"
            "while True:\n"
            "    try:\n"
            "        while True: pass\n"
            "    except BaseException: pass"
        )
        kernel.wait_printed("begun")
        kernel.await_(kernel.manager.interrupt_kernel())
        kernel.await_(kernel.manager.shutdown_kernel(now=True))
        assert not any(map(psutil.pid_exists, family))
        death = kernel.manager.death
        assert death is not None
        assert death.reason is DeathReason.KILLED


def test_sandbox_dies_with_the_grader(tmp_path: Path, start: str) -> None:
    script = tmp_path / "grade.py"
    script.write_text(
        "import time\n"
        "from grader.tests.sandbox import support\n"
        f"support.preload = {support.preload}\n"
        "with support.started() as kernel:\n"
        "    print(kernel.manager.provisioner.process.kernel, flush=True)\n"
        "    time.sleep(600)\n"
    )
    command = [sys.executable, str(script)]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as run:
        assert run.stdout is not None
        pid = int(run.stdout.readline())
        assert psutil.pid_exists(pid)
        run.kill()
    for _ in range(600):
        if not psutil.pid_exists(pid):
            break
        time.sleep(0.1)
    assert not psutil.pid_exists(pid)
    with started():  # which sweeps up the dead grader's cgroup
        found = find_cgroup()
        assert found is None or not list(found[0].glob(f"grader-{run.pid}-*"))


def test_nothing_is_left_behind_on_this_machine() -> None:
    with started() as kernel:
        directory = kernel.manager.provisioner.directory
        assert directory.stat().st_mode & 0o777 == 0o700
        before = len(os.listdir("/proc/self/fd"))
    for _ in range(2):
        with started():
            pass
    assert not directory.exists()
    assert len(os.listdir("/proc/self/fd")) <= before


def test_plain_kernel_is_bounded_and_killed_too() -> None:
    with started(mode=SandboxMode.NONE, notebook_timeout=1.0) as kernel:
        pids = [int(pid) for pid in kernel.run(DAEMON + "print(os.getpid())").text.split()]
        assert len(pids) == 2
        counted = kernel.manager.memory_limiter.startswith("cgroup")
        kernel.manager.start_clock()
        kernel.send("signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass")
        assert kernel.wait_gone()
        death = kernel.manager.death
        assert death is not None
        assert death.reason is DeathReason.WALL_CLOCK
        assert not _alive(pids[1])
        if counted:
            assert not _alive(pids[0])
        elif _alive(pids[0]):
            psutil.Process(pids[0]).kill()  # the known weakness: a daemon can escape here


def _alive(pid: int) -> bool:
    """Whether there is such a process, other than a dead one that its parent has not buried."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
