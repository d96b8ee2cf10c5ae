"""Kernels forked from a zygote: what they share, what they do not, and what happens without one."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from grader.sandbox import warm
from grader.sandbox.bubblewrap import Bind, DataFile, SandboxPolicy
from grader.sandbox.watchdog import DeathReason
from grader.tests.sandbox.support import LIMITS, Kernel, needs_bubblewrap, started

pytestmark = needs_bubblewrap

POLICY = SandboxPolicy(limits=LIMITS, preload=("numpy",))


def _is_forked(kernel: Kernel) -> bool:
    """Whether the kernel's program is the zygote's."""
    command = Path(f"/proc/{kernel.process.kernel}/cmdline").read_bytes()
    return b"grader_sandbox.zygote" in command


def test_a_warm_kernel_has_its_modules_and_shares_their_memory() -> None:
    with started(
        replace(POLICY, preload=("numpy", "torch"), limits=replace(LIMITS, memory=2**31))
    ) as kernel:
        assert _is_forked(kernel)
        said = kernel.run(
            "import sys\n"
            "print('torch' in sys.modules, 'torch._dynamo' in sys.modules)\n"
            "lines = [l.split() for l in open('/proc/self/smaps_rollup')]\n"
            "print(sum(int(l[1]) for l in lines if l[0].startswith('Private')) // 1024)"
        ).text.split()
    assert said[:2] == ["True", "True"]
    assert int(said[2]) <= 60, "MiB of its own"


def test_forks_draw_different_random_numbers() -> None:
    drawn = []
    limits = replace(LIMITS, memory=2**31)
    for _ in range(2):
        with started(replace(POLICY, preload=("numpy", "torch"), limits=limits)) as kernel:
            code = "import random, numpy, torch\nprint(random.random(), numpy.random.rand())"
            drawn += kernel.run(f"{code}\nprint(torch.rand(1).item())").text.split()
    assert len(set(drawn)) == 6


def test_forks_see_nothing_of_each_other() -> None:
    with started(POLICY) as first, started(POLICY) as second:
        first.run("open('mine', 'w').write('x'); open('/tmp/mine', 'w').write('x')")
        first.run("open('/dev/shm/mine', 'w').write('x')")
        first.run("import socket; s = socket.socket(); s.bind(('127.0.0.1', 4000)); s.listen()")
        first.run("u = socket.socket(socket.AF_UNIX); u.bind('\\0mine'); u.listen()")
        seen = second.run(
            "import os, socket\n"
            "print([f for d in ('.', '/tmp', '/dev/shm') for f in os.listdir(d) if f == 'mine'])\n"
            "print([p for p in os.listdir('/proc') if p.isdecimal()])\n"
            "s, u = socket.socket(), socket.socket(socket.AF_UNIX)\n"
            "print(s.connect_ex(('127.0.0.1', 4000)) != 0, u.connect_ex('\\0mine') != 0)"
        ).text
        assert seen.split("\n")[:3] == ["[]", "['1', '2']", "True True"]


def test_the_zygote_is_out_of_reach() -> None:
    with started(POLICY) as kernel:
        said = kernel.run(
            "import os, signal\n"
            "for number in (0, signal.SIGTERM, signal.SIGKILL):\n"
            "    os.kill(1, number)\n"
            "for name in ('mem', 'environ', 'fd'):\n"
            "    try:\n"
            "        look = os.listdir if name == 'fd' else lambda path: open(path).read(1)\n"
            "        look(f'/proc/1/{name}')\n"
            "        print(name)\n"
            "    except OSError:\n"
            "        pass\n"
        )
        assert said.status == "ok"
        assert said.text == ""
        assert kernel.run("print(1)").text == "1\n"


def test_a_lost_zygote_is_not_the_kernels_own_end_and_another_takes_its_place() -> None:
    with started(POLICY) as kernel:
        zygote = warm.zygotes.get(POLICY)
        assert zygote is not None
        os.kill(zygote.pid, signal.SIGKILL)
        assert kernel.wait_gone()
        assert kernel.manager.death is not None
        assert kernel.manager.death.reason is DeathReason.LOST
    with started(POLICY) as kernel:
        assert _is_forked(kernel)
        assert kernel.run("print(2)").text == "2\n"


def test_a_module_that_cannot_be_imported_is_left_to_the_notebook() -> None:
    policy = replace(POLICY, preload=("no_such_module",))
    with started(policy) as kernel:
        assert _is_forked(kernel)
        assert kernel.run("import no_such_module").error == "ModuleNotFoundError"
    zygote = warm.zygotes.get(policy)
    assert zygote is not None
    assert zygote.failed["no_such_module"].startswith("ModuleNotFoundError")


def test_a_module_that_starts_threads_makes_kernels_start_cold(tmp_path: Path) -> None:
    package = tmp_path / "threads"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    bind = Bind(package, Path("/run/threads"))
    policy = replace(POLICY, preload=("threads",), binds=(bind,))
    with started(policy) as kernel:
        assert not _is_forked(kernel)
        assert kernel.run("print(3)").text == "3\n"
    assert "threads" in warm.zygotes.why_cold(policy)


def test_more_files_than_can_be_passed_make_a_kernel_start_cold(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    files = tuple(DataFile(tmp_path / "x", f"{i}.txt") for i in range(warm.MOST_FILES + 1))
    with started(replace(POLICY, files=files)) as kernel:
        assert not _is_forked(kernel)
        assert kernel.run("import os; print(len(os.listdir()))").text == f"{len(files)}\n"


def test_few_zygotes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "MOST_ZYGOTES", 1)
    first = warm.zygotes.get(POLICY)
    assert first is not None
    other = warm.zygotes.get(replace(POLICY, preload=("colorsys",)))
    assert other is not None
    assert other.alive
    assert not first.alive


def test_only_the_outermost_folders_are_bound_again() -> None:
    paths = ["/tmp/a/b", "/tmp/a", "/tmp/c/d", "/tmp/ab"]
    assert warm.outermost(map(Path, paths)) == ["/tmp/a", "/tmp/ab", "/tmp/c/d"]
