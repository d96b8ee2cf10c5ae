"""What happens to student code that uses too much, runs too long, or will not die."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from queue import Empty

import psutil
import pytest

from grader.sandbox.kernelspec import SandboxMode
from grader.sandbox.process import SandboxProcess
from grader.sandbox.watchdog import DeathReason
from grader.tests.sandbox.support import LIMITS, Kernel, needs_bubblewrap, started

pytestmark = needs_bubblewrap


def _outside(kernel: Kernel) -> SandboxProcess:
    process = kernel.manager.provisioner.process
    assert isinstance(process, SandboxProcess)
    return process


def test_processes_are_bounded(kernel: Kernel) -> None:
    code = """
import os, time, signal
children = []
try:
    for _ in range(500):
        pid = os.fork()
        if pid == 0:
            time.sleep(600)
            os._exit(0)
        children.append(pid)
except BlockingIOError:
    print('refused after', len(children))
for pid in children:
    os.kill(pid, signal.SIGKILL)
for pid in children:
    os.waitpid(pid, 0)
"""
    words = kernel.run(code).text.split()
    assert words[:2] == ["refused", "after"]
    assert int(words[2]) < LIMITS.processes
    assert kernel.run("print('alive')").text == "alive\n"


def test_file_size_is_bounded(kernel: Kernel) -> None:
    code = f"""
import errno, os
try:
    with open('big', 'wb') as f:
        f.write(bytes({LIMITS.file_size + 1}))
except OSError as error:
    print(errno.errorcode[error.errno], os.path.getsize('big') == {LIMITS.file_size})
os.remove('big')
"""
    assert kernel.run(code).text.split() == ["EFBIG", "True"]


@pytest.mark.parametrize("folder", ["/home/student", "/tmp", "/dev/shm"])
def test_disk_is_bounded(kernel: Kernel, folder: str) -> None:
    code = f"""
import errno, os
names = []
try:
    for i in range(100):
        names.append(f'{folder}/part{{i}}')
        with open(names[-1], 'wb') as f:
            f.write(bytes(2 ** 20))
except OSError as error:
    print(errno.errorcode[error.errno], len(names))
for name in names:
    os.remove(name)
"""
    reason, count = kernel.run(code).text.split()
    assert reason == "ENOSPC"
    assert int(count) <= LIMITS.disk // 2**20 + 1


def test_one_process_gets_a_memory_error_and_goes_on(kernel: Kernel) -> None:
    reply = kernel.run(f"hog = bytearray({2 * LIMITS.memory})")
    assert reply.error == "MemoryError"
    assert kernel.run("print('alive')").text == "alive\n"


HOG = """
import mmap, os, time
if os.fork() == 0:
    os.setsid()
blocks = []
for _ in range(40):
    block = mmap.mmap(-1, 2 ** 24)  # shared memory, which no per-process limit counts
    for page in range(0, len(block), 4096):
        block[page] = 1
    blocks.append(block)
time.sleep(600)
"""


def test_memory_hog_is_killed_for_its_memory() -> None:
    with started() as kernel:
        kernel.send(HOG)
        assert kernel.wait_gone()
        death = kernel.manager.death
        assert death is not None
        assert death.reason is DeathReason.MEMORY
        assert death.sentence == "killed: memory limit of 0.5 GiB exceeded"
        assert kernel.manager.peak_memory >= LIMITS.memory


def test_memory_hog_is_killed_where_there_is_no_cgroup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.sandbox.memory.usable_cgroup", lambda: None)
    with started() as kernel:
        assert _outside(kernel).meter.name == "polling"
        kernel.send(HOG)
        assert kernel.wait_gone()
        death = kernel.manager.death
        assert death is not None
        assert death.reason is DeathReason.MEMORY


def test_unmapped_files_count_where_there_is_no_cgroup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.sandbox.memory.usable_cgroup", lambda: None)
    with started(disk=2**30, file_size=2**30) as kernel:
        kernel.send("f = open('/tmp/hog', 'wb')\nwhile True: f.write(bytes(2 ** 20))")
        assert kernel.wait_gone()
        death = kernel.manager.death
        assert death is not None
        assert death.reason is DeathReason.MEMORY
    with started() as kernel:
        assert kernel.run("import os; os.memfd_create('x')").error == "PermissionError"


def test_wall_clock_is_enforced_from_outside() -> None:
    with started(notebook_timeout=1.0) as kernel:
        kernel.manager.start_clock()
        kernel.send("import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass")
        assert kernel.wait_gone()
        death = kernel.manager.death
        assert death is not None
        assert death.reason is DeathReason.WALL_CLOCK
        assert "longer than 1 s" in death.sentence


def test_flood_of_output_is_killed() -> None:
    with started(output=2**20) as kernel:
        kernel.send("while True: print('x' * 10_000)")
        while kernel.manager.death is None:
            with contextlib.suppress(Empty):
                kernel.await_(kernel.client.get_iopub_msg(timeout=1))
        assert kernel.wait_gone()
        death = kernel.manager.death
        assert death is not None
        assert death.reason is DeathReason.OUTPUT


def test_endless_loop_can_be_interrupted(kernel: Kernel) -> None:
    for loop in ("while True: pass", "import os; os.system('sleep 600'); raise KeyboardInterrupt"):
        kernel.send(loop)
        kernel.await_(_until_busy(kernel))
        kernel.await_(kernel.manager.interrupt_kernel())
        reply = kernel.await_(kernel.client.get_shell_msg(timeout=60))
        assert reply["content"]["ename"] == "KeyboardInterrupt"
        assert kernel.run("print('alive')").text == "alive\n"


async def _until_busy(kernel: Kernel) -> None:
    while True:
        message = await kernel.client.get_iopub_msg(timeout=60)
        if message["msg_type"] == "execute_input":
            return


def test_exit_is_reported() -> None:
    with started() as kernel:
        kernel.send("import os; os._exit(7)")
        assert kernel.wait_gone()
        death = kernel.manager.death
        assert death is not None
        assert (death.reason, death.exit_code) == (DeathReason.EXITED, 7)


DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        import signal
        for number in range(1, 32):
            if number not in (signal.SIGKILL, signal.SIGSTOP):
                signal.signal(number, signal.SIG_IGN)
        print('daemon', flush=True)
        time.sleep(600)
    os._exit(0)
"""


@pytest.mark.parametrize("end", ["shutdown", "exit", "close"])
def test_nothing_outlives_the_kernel(end: str) -> None:
    with started() as kernel:
        assert kernel.run(DAEMON + "os.wait(); time.sleep(0.2)").status == "ok"
        family = [process.pid for process in _outside(kernel).family()]
        assert len(family) == 2
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
        family = [process.pid for process in _outside(kernel).family()]
        kernel.send(
            "import signal\n"
            "for n in (2, 15): signal.signal(n, signal.SIG_IGN)\n"
            "while True:\n"
            "    try:\n"
            "        while True: pass\n"
            "    except BaseException: pass"
        )
        kernel.await_(_until_busy(kernel))
        kernel.await_(kernel.manager.interrupt_kernel())
        kernel.await_(kernel.manager.shutdown_kernel(now=True))
        assert not any(map(psutil.pid_exists, family))
        death = kernel.manager.death
        assert death is not None
        assert death.reason is DeathReason.KILLED


def test_sandbox_dies_with_the_grader(tmp_path: Path) -> None:
    script = tmp_path / "grade.py"
    script.write_text(
        "import time\n"
        "from grader.tests.sandbox.support import started\n"
        "with started() as kernel:\n"
        "    print(kernel.manager.provisioner.process.kernel, flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        pid = int(run.stdout.readline())
        assert psutil.pid_exists(pid)
        run.kill()
    for _ in range(600):
        if not psutil.pid_exists(pid):
            break
        time.sleep(0.1)
    assert not psutil.pid_exists(pid)


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
    with started(mode=SandboxMode.NONE, notebook_timeout=2.0) as kernel:
        assert kernel.run(DAEMON + "os.wait(); time.sleep(0.5)").status == "ok"
        pid = int(kernel.run("print(os.getpid())").text)
        kernel.manager.start_clock()
        kernel.send("signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass")
        assert kernel.wait_gone()
        death = kernel.manager.death
        assert death is not None
        assert death.reason is DeathReason.WALL_CLOCK
        assert not psutil.pid_exists(pid)
        leftover = [p for p in psutil.process_iter() if p.pid != pid and _in_group(p.pid, pid)]
        assert leftover == []


def _in_group(pid: int, group: int) -> bool:
    try:
        return os.getpgid(pid) == group
    except ProcessLookupError:
        return False
