"""What student code can see and reach from inside a sandbox."""

from __future__ import annotations

import json
import os
import platform
import socket
import textwrap
from pathlib import Path

import psutil
import pytest

from grader.course import Limits
from grader.sandbox import seccomp
from grader.sandbox.bubblewrap import Bind, DataFile, SandboxPolicy
from grader.sandbox.host import SANDBOX_UID
from grader.sandbox.process import SandboxProcess
from grader.tests.sandbox.support import LIMITS, Kernel, needs_bubblewrap, started

pytestmark = [needs_bubblewrap, pytest.mark.usefixtures("start")]


def test_network_is_unreachable(kernel: Kernel) -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"
    assert kernel.run(code).error == "OSError"
    assert "1: lo" not in kernel.run("print(open('/proc/net/route').read().count(chr(10)))").text
    interfaces = kernel.run("print([name for _, name in socket.if_nameindex()])")
    assert interfaces.text.strip() == "['lo']"


def test_host_abstract_sockets_are_out_of_reach(kernel: Kernel) -> None:
    name = "\0grader-test-abstract"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        reply = kernel.run(f"s = socket.socket(socket.AF_UNIX); s.connect({name!r})")
    assert reply.error == "ConnectionRefusedError"


def test_files_of_this_machine_are_invisible(kernel: Kernel, tmp_path: Path) -> None:
    planted = [tmp_path / "solution.py", Path.home() / ".grader-test-planted"]
    for file in planted:
        file.write_text("secret")
    try:
        for file in planted:
            assert kernel.run(f"open({str(file)!r})").error == "FileNotFoundError"
    finally:
        planted[1].unlink()
    for folder in ("/var", "/etc/shadow", "/etc/hosts", "/sys", "/boot", "/mnt"):
        assert kernel.run(f"import os; os.stat({folder!r})").error == "FileNotFoundError"


def test_the_grader_package_and_its_course_are_invisible(kernel: Kernel) -> None:
    package = Path(__file__).parents[2]
    assert kernel.run(f"import os; os.listdir({str(package)!r})").error == "FileNotFoundError"
    shown = kernel.run(f"print(os.listdir({str(package.parent)!r}))")
    assert shown.error == "FileNotFoundError" or eval(shown.text) == [".venv"]
    assert kernel.run("import grader").error == "ModuleNotFoundError"


def test_only_private_folders_are_writable(kernel: Kernel) -> None:
    code = """
    import os
    writable = []
    for folder, folders, _ in os.walk('/'):
        if folder == '/':
            folders.remove('proc')
        if folder.count('/') > 4:
            folders.clear()
        try:
            open(os.path.join(folder, 'x'), 'w').close()
        except OSError:
            continue
        writable.append(folder)
        os.remove(os.path.join(folder, 'x'))
    import json
    print(json.dumps(sorted(f for f in writable if not f.startswith('/tmp/'))))
    """
    reply = kernel.run(textwrap.dedent(code))
    assert json.loads(reply.text) == ["/dev/shm", "/home/student", "/tmp"]


def test_python_itself_cannot_be_changed(kernel: Kernel) -> None:
    code = "import numpy\ntry:\n open(numpy.__file__, 'a')\nexcept OSError as e: print(e.strerror)"
    assert kernel.run(code).text.strip() in {"Read-only file system", "Permission denied"}


def test_environment_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADER_TEST_SECRET", "hunter2")
    policy = SandboxPolicy(limits=LIMITS, environment=(("COURSE", "demo"),))
    with started(policy) as kernel:
        everything = kernel.run(
            "import pathlib, os\n"
            "print(dict(os.environ))\n"
            "print([p.read_bytes() for p in pathlib.Path('/proc').glob('[0-9]*/environ')])"
        ).text
    assert "hunter2" not in everything
    assert "GRADER_TEST_SECRET" not in everything
    assert "'COURSE': 'demo'" in everything
    assert "'OMP_NUM_THREADS': '1'" in everything


def test_user_has_no_privileges(kernel: Kernel) -> None:
    status = kernel.run("print(open('/proc/self/status').read())").text
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert set(fields["Uid"].split()) == {"1000"}
    assert fields["NoNewPrivs"] == "1"
    assert int(fields["CapBnd"], 16) == int(fields["CapEff"], 16) == 0
    outside = kernel.manager.provisioner.process
    assert isinstance(outside, SandboxProcess)
    expected = SANDBOX_UID if os.geteuid() == 0 else os.geteuid()
    assert {*psutil.Process(outside.kernel).uids()} == {expected}
    assert kernel.run("import getpass; print(getpass.getuser())").text.strip() == "student"


def test_only_own_processes_are_visible(kernel: Kernel) -> None:
    reply = kernel.run(
        "import os; print(sorted(int(n) for n in os.listdir('/proc') if n.isdigit()))"
    )
    assert reply.text.strip() == "[1, 2]"
    assert kernel.run("os.kill(1, 9); print(os.getppid())").text.strip() == "1"


def test_no_descriptor_leads_out(kernel: Kernel) -> None:
    code = """
import os
kinds = set()
for name in os.listdir('/proc/self/fd'):
    try:
        target = os.readlink('/proc/self/fd/' + name)
    except OSError:
        continue
    kinds.add(target.split('[')[0].rstrip(':').split('/')[1 if target[0] == '/' else 0])
print(sorted(kinds))
"""
    found = eval(kernel.run(code).text)
    # pipes and sockets of the kernel itself, event descriptors, /dev/null, its own /proc
    assert set(found) <= {"pipe", "socket", "anon_inode", "dev", "proc"}
    standard = kernel.run("print([os.readlink(f'/proc/self/fd/{n}') for n in (0, 1, 2)])").text
    assert all(target.startswith(("/dev/null", "pipe:")) for target in eval(standard))


def test_another_kernel_is_out_of_sight(kernel: Kernel) -> None:
    kernel.run("open('/tmp/mine', 'w').write('x'); open('/dev/shm/mine', 'w').write('x')")
    with started() as other:
        reply = other.run(
            "import os; print(os.listdir('/tmp'), os.listdir('/dev/shm'), os.listdir())"
        )
        assert "mine" not in reply.text
        assert other.run("open('/proc/2/root/tmp/mine')").error == "FileNotFoundError"


@pytest.mark.skipif(not seccomp.is_available(), reason="libseccomp is not installed")
def test_dangerous_system_calls_are_refused(kernel: Kernel) -> None:
    setup = "import ctypes, errno, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
    calls = {
        "unshare": "libc.unshare(0x10000000)",
        "mount": "libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)",
        "ptrace": "libc.ptrace(0, 0, 0, 0)",
        "clone": "libc.syscall(56, 0x10000011, 0, 0, 0, 0)",
        "keyctl": "libc.syscall(250, 0, -3, 0, 0, 0)",
        "tiocsti": "libc.ioctl(0, 0x5412, b'x')",
        "io_uring": "libc.syscall(425, 1, 0)",
    }
    if platform.machine() != "x86_64":
        calls = {name: calls[name] for name in ("unshare", "mount", "ptrace", "tiocsti")}
    for name, call in calls.items():
        reply = kernel.run(
            f"{setup}result = {call}; print(result, errno.errorcode[ctypes.get_errno()])"
        )
        assert reply.text.strip() == "-1 EPERM", name
    assert kernel.run("import socket; socket.socket(40, socket.SOCK_STREAM)").error == "OSError"
    assert kernel.run("socket.socket(38, socket.SOCK_SEQPACKET)").error == "OSError"


def test_files_and_binds_arrive(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("1,2\n")
    (tmp_path / "big").mkdir()
    (tmp_path / "big" / "set.bin").write_bytes(b"data")
    policy = SandboxPolicy(
        limits=LIMITS,
        files=(DataFile(tmp_path / "table.csv", "data/table.csv"),),
        binds=(Bind(tmp_path / "big", Path("/data")),),
    )
    with started(policy) as kernel:
        assert kernel.run("print(open('data/table.csv').read())").text == "1,2\n\n"
        assert kernel.run("print(open('/data/set.bin').read())").text == "data\n"
        assert kernel.run("open('data/table.csv', 'w').write('3')").status == "ok"
        assert kernel.run("open('/data/set.bin', 'w')").status == "error"
        assert kernel.run("import os; print(os.listdir())").text.strip() == "['data']"
    assert (tmp_path / "table.csv").read_text() == "1,2\n"


def test_course_inside_a_root_is_covered(tmp_path: Path) -> None:
    installation = tmp_path / "python"
    (installation / "course" / ".venv").mkdir(parents=True)
    (installation / "course" / "solution.py").write_text("secret")
    (installation / "course" / ".venv" / "marker").write_text("venv")
    default = SandboxPolicy(limits=Limits())
    policy = SandboxPolicy(
        limits=LIMITS,
        roots=(*default.roots, installation, installation / "course" / ".venv"),
        hidden=(installation / "course",),
    )
    with started(policy) as kernel:
        course = str(installation / "course")
        assert kernel.run(f"import os; print(os.listdir({course!r}))").text.strip() == "['.venv']"
        assert (
            kernel.run(f"print(open({course + '/.venv/marker'!r}).read())").text.strip() == "venv"
        )
        assert kernel.run(f"open({course + '/x'!r}, 'w')").status == "error"


def test_scientific_packages_work_inside() -> None:
    with started(memory=2 * 2**30) as kernel:
        plot = "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()"
        assert kernel.run(plot).status == "ok"
        torch = "import torch; x = torch.ones(2, requires_grad=True); (x * x).sum().backward()"
        assert kernel.run(f"{torch}\nprint(x.grad)").text == "tensor([2., 2.])\n"
        assert kernel.run("print(torch.get_num_threads())").text == "1\n"
