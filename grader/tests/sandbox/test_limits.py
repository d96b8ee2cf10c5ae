"""What happens to student code that uses too much, runs too long, or will not die."""

from __future__ import annotations

import contextlib
import time
from queue import Empty

import pytest

from grader.sandbox.watchdog import DeathReason
from grader.tests.sandbox.support import LIMITS, Kernel, needs_bubblewrap, started

pytestmark = [needs_bubblewrap, pytest.mark.usefixtures("start")]


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
        assert kernel.process.meter.name == "polling"
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
    request = kernel.send("print('begun', flush=True)\nwhile True: pass")
    kernel.wait_printed("begun")
    _interrupt(kernel, request)


def test_interrupt_reaches_what_a_cell_started(kernel: Kernel) -> None:
    request = kernel.send("import os; os.system('sleep 600'); raise KeyboardInterrupt")
    while "sleep" not in {process.name() for process in kernel.process.family()}:
        time.sleep(0.01)  # Python ignores the signal while it waits for a command
    _interrupt(kernel, request)


def _interrupt(kernel: Kernel, request: str) -> None:
    kernel.await_(kernel.manager.interrupt_kernel())
    assert kernel.reply_to(request)["ename"] == "KeyboardInterrupt"
    assert kernel.run("print('alive')").text == "alive\n"
