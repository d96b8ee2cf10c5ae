"""The provisioner under jupyter_client, nbclient and papermill."""

from __future__ import annotations

import asyncio
import json
import threading
from importlib.metadata import EntryPoint
from pathlib import Path

import nbclient
import nbformat
import papermill
import pytest
import zmq
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning import KernelProvisionerFactory
from nbclient.exceptions import CellExecutionError, DeadKernelError

from grader.errors import SandboxError, SandboxUnavailable
from grader.sandbox.bubblewrap import DataFile, SandboxPolicy
from grader.sandbox.channels import MESSAGE_ALLOWANCE, SMALL_MESSAGE
from grader.sandbox.kernelspec import SandboxMode, open_kernel
from grader.sandbox.watchdog import DeathReason
from grader.tests.sandbox.support import LIMITS, needs_bubblewrap, started

pytestmark = needs_bubblewrap


def _notebook(*cells: str) -> nbformat.NotebookNode:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata.kernelspec = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    return notebook


@pytest.mark.parametrize("mode", SandboxMode)
def test_nbclient_executes_a_notebook(mode: SandboxMode) -> None:
    notebook = _notebook("x = 6", "import numpy as np; print(np.prod([x, 7]))")
    with open_kernel(mode, SandboxPolicy(limits=LIMITS)) as manager:
        nbclient.NotebookClient(notebook, km=manager, timeout=60).execute()
    assert notebook.cells[1].outputs[0].text == "42\n"


def test_nbclient_interrupts_a_cell_and_goes_on() -> None:
    notebook = _notebook("while True: pass", "print('next')")
    with open_kernel(SandboxMode.BUBBLEWRAP, SandboxPolicy(limits=LIMITS)) as manager:
        client = nbclient.NotebookClient(
            notebook, km=manager, timeout=2, interrupt_on_timeout=True, allow_errors=True
        )
        client.execute()
    assert notebook.cells[0].outputs[0].ename == "KeyboardInterrupt"
    assert notebook.cells[1].outputs[0].text == "next\n"


def test_nbclient_sees_a_killed_kernel_as_dead() -> None:
    policy = SandboxPolicy(limits=LIMITS)
    with open_kernel(SandboxMode.BUBBLEWRAP, policy) as manager:
        client = nbclient.NotebookClient(_notebook("while True: print('x' * 1000)"), km=manager)
        with pytest.raises((DeadKernelError, CellExecutionError)):
            client.execute()
        assert manager.provisioner.watchdog is not None
        assert manager.provisioner.watchdog.wait(60)
        assert manager.death is not None
        assert manager.death.reason is DeathReason.OUTPUT


def test_papermill_executes_a_notebook(tmp_path: Path) -> None:
    notebook = _notebook("a = 1", "print(a)")
    notebook.cells[0].metadata.tags = ["parameters"]
    nbformat.write(notebook, tmp_path / "in.ipynb")
    with open_kernel(SandboxMode.BUBBLEWRAP, SandboxPolicy(limits=LIMITS)) as manager:
        papermill.execute_notebook(
            tmp_path / "in.ipynb",
            tmp_path / "out.ipynb",
            parameters={"a": 5},
            km=manager,
            progress_bar=False,
        )
    done = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert done.cells[-1].outputs[0].text == "5\n"


@pytest.fixture(params=["cold", "warm"])
def kernels(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> KernelSpecManager:
    """A folder with one ordinary kernelspec that names the provisioner."""
    preload = {"preload": ["json"]} if request.param == "warm" else {}
    folder = tmp_path / "kernels" / "isolated"
    folder.mkdir(parents=True)
    spec = {
        "argv": [],
        "display_name": "Isolated",
        "language": "python",
        "metadata": {
            "kernel_provisioner": {
                "provisioner_name": "bubblewrap-provisioner",
                "config": {"limits": {"memory": LIMITS.memory, "processes": 40}, **preload},
            }
        },
    }
    (folder / "kernel.json").write_text(json.dumps(spec))
    entry = EntryPoint(
        "bubblewrap-provisioner",
        "grader.sandbox.provisioner:BubblewrapProvisioner",
        KernelProvisionerFactory.GROUP_NAME,
    )
    known = {**KernelProvisionerFactory.instance().provisioners, entry.name: entry}
    monkeypatch.setattr(KernelProvisionerFactory, "provisioners", known)
    return KernelSpecManager(kernel_dirs=[str(folder.parent)])


def test_kernelspec_works_with_a_blocking_manager(kernels: KernelSpecManager) -> None:
    manager = KernelManager(kernel_name="isolated", kernel_spec_manager=kernels)
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=120)
        limit = "import resource; assert resource.getrlimit(resource.RLIMIT_NPROC)[0] == 40"
        for _ in range(2):
            reply = client.execute_interactive(
                f"import os; os.mkdir('/tmp/x'); {limit}", timeout=60
            )
            assert reply["content"]["status"] == "ok"
            manager.restart_kernel()
            client.wait_for_ready(timeout=120)
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
    assert not manager.has_kernel
    assert not manager.provisioner.directory.exists()


def test_two_kernels_run_at_once() -> None:
    with started() as first, started() as second:
        assert first.run("print('one')").text == "one\n"
        assert second.run("print('two')").text == "two\n"


def test_every_channel_is_bounded_before_it_connects() -> None:
    output = 2**20
    with started(output=output) as kernel:
        sockets = {
            name: getattr(kernel.client, f"{name}_channel").socket
            for name in ("shell", "iopub", "stdin", "hb", "control")
        }
        sockets["manager"] = kernel.manager._control_socket
        largest = {name: socket.getsockopt(zmq.MAXMSGSIZE) for name, socket in sockets.items()}
        ahead = {name: socket.getsockopt(zmq.RCVHWM) for name, socket in sockets.items()}
    wide = MESSAGE_ALLOWANCE + output
    assert largest == {
        name: wide if name in ("shell", "iopub") else SMALL_MESSAGE for name in sockets
    }
    assert max(ahead.values()) <= 200
    assert ahead["stdin"] == ahead["control"] == ahead["manager"] == 20


def test_a_message_of_any_size_is_not_taken_in() -> None:
    with started() as kernel:
        request = kernel.send(
            "import gc, zmq\n"
            "outputs = [s for s in gc.get_objects() if isinstance(s, zmq.Socket)\n"
            "           and not s.closed and s.type == zmq.XPUB]\n"
            f"outputs[0].send(bytes({2 * MESSAGE_ALLOWANCE + LIMITS.output}))\n"
        )
        assert kernel.reply_to(request)["status"] == "ok"
        counter = kernel.manager.provisioner._counter
        assert counter is not None
        assert counter.total < MESSAGE_ALLOWANCE


def test_honest_huge_output_is_an_error_of_the_cell() -> None:
    with started(memory=2**30) as kernel:
        code = f"from IPython.display import HTML\nHTML('x' * {2 * MESSAGE_ALLOWANCE})"
        reply = kernel.run(code)
        assert (reply.status, reply.error) == ("error", "ValueError")
        assert kernel.run("print(1)").text == "1\n"


def test_kernel_outlives_the_thread_that_started_it() -> None:
    with open_kernel(SandboxMode.BUBBLEWRAP, SandboxPolicy(limits=LIMITS)) as manager:
        thread = threading.Thread(target=lambda: asyncio.run(manager.start_kernel()))
        thread.start()
        thread.join()
        watchdog = manager.provisioner.watchdog
        assert watchdog is not None
        assert not watchdog.wait(1.0)


def test_kernel_that_cannot_start_is_one_sentence(tmp_path: Path) -> None:
    policy = SandboxPolicy(limits=LIMITS, python=tmp_path / "no-such-python")
    with open_kernel(SandboxMode.BUBBLEWRAP, policy) as manager:
        with pytest.raises(SandboxUnavailable, match="cannot be isolated here: bwrap: execvp"):
            asyncio.run(manager.start_kernel())
        directory = manager.provisioner.directory
    assert not directory.exists()
    missing = SandboxPolicy(limits=LIMITS, files=(DataFile(tmp_path / "x.csv", "x.csv"),))
    for mode in SandboxMode:
        with (
            open_kernel(mode, missing) as manager,
            pytest.raises(SandboxError, match=r"x\.csv cannot be read"),
        ):
            asyncio.run(manager.start_kernel())
