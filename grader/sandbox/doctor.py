"""Tests the sandbox of this machine for real: starts one and tries to get out of it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grader.course import Limits
from grader.errors import SandboxError
from grader.sandbox import probe
from grader.sandbox.bubblewrap import SandboxPolicy
from grader.sandbox.kernelspec import SandboxMode, WatchedKernelManager, open_kernel
from grader.sandbox.warm import zygotes

PROBE_TIMEOUT = 30.0  # seconds
PROBE_PROCESSES = 40  # at most, so that trying out the limit takes no time
PROBE_FILE = 2**20  # bytes


@dataclass(frozen=True)
class Check:
    """One finding.

    Args:
        name: what was looked at, in a word or two.
        ok: True as it should be, None weaker than it could be, False broken.
        sentence: what was found, and what to do about it where that is needed.
    """

    name: str
    ok: bool | None
    sentence: str


def examine(limits: Limits) -> list[Check]:
    """Start a sandboxed kernel, run a probe in it, and say what held.

    Not for use inside a running event loop. Never raises for a sandbox that does not work:
    that is a finding.
    """
    probed = replace(
        limits,
        processes=min(limits.processes, PROBE_PROCESSES),
        file_size=min(limits.file_size, PROBE_FILE),
    )
    cold = _examine(SandboxPolicy(limits=probed), limits)
    if not cold[0].ok:
        return cold
    return [*cold, _warm(SandboxPolicy(limits=probed, preload=()), limits, cold)]


def _examine(policy: SandboxPolicy, limits: Limits) -> list[Check]:
    try:
        with open_kernel(SandboxMode.BUBBLEWRAP, policy) as manager:
            seen = asyncio.run(_ask(manager, policy))
            meter = manager.memory_limiter
    except SandboxError as error:
        return [Check("bubblewrap", False, str(error))]
    except (RuntimeError, TimeoutError, ValueError) as error:
        sentence = f"A kernel started in the sandbox but did not answer the probe ({error})."
        return [Check("bubblewrap", False, sentence)]
    return [
        Check("bubblewrap", True, "Kernels start isolated from this machine."),
        _network(seen),
        _files(seen, policy),
        _processes(seen),
        _privileges(seen),
        _seccomp(seen),
        _memory(meter, limits),
        _process_limit(seen, policy.limits),
        _file_limit(seen),
    ]


def _warm(policy: SandboxPolicy, limits: Limits, cold: list[Check]) -> Check:
    """Kernels that are forked: whether they are, and are as isolated as those that are not."""
    found = _examine(policy, limits)
    if reason := zygotes.why_cold(policy):
        return Check("warm kernels", None, f"Kernels start cold, which takes longer: {reason}")
    if weaker := [check for check in found if check not in cold]:
        return Check("warm kernels", False, f"Of a warm kernel: {weaker[0].sentence}")
    return Check("warm kernels", True, "Kernels start warm, and as isolated as cold ones.")


async def _ask(manager: WatchedKernelManager, policy: SandboxPolicy) -> dict[str, Any]:
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    printed: list[str] = []

    def collect(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])

    await client.wait_for_ready(timeout=policy.limits.startup_timeout)
    limits = policy.limits
    question = f"probe({str(Path.home())!r}, {limits.file_size}, {limits.processes + 1})"
    await client.execute_interactive(
        f"{Path(probe.__file__).read_text()}\nimport json; print(json.dumps({question}))",
        output_hook=collect,
        timeout=PROBE_TIMEOUT,
        allow_stdin=False,
    )
    seen: dict[str, Any] = json.loads("".join(printed))
    return seen


def _network(seen: dict[str, Any]) -> Check:
    if seen["interfaces"] == ["lo"] and not seen["connected"]:
        return Check("network", True, "Student code has no network.")
    names = ", ".join(seen["interfaces"])
    return Check("network", False, f"Student code sees the network interfaces {names}.")


def _files(seen: dict[str, Any], policy: SandboxPolicy) -> Check:
    home = Path.home()
    expected = {root.relative_to(home).parts[0] for root in policy.roots if home in root.parents}
    if leaked := set(seen["home"]) - expected:
        names = ", ".join(sorted(leaked)[:3])
        return Check("files", False, f"Student code sees {names} in your home folder.")
    if seen["written"]:
        places = ", ".join(seen["written"])
        return Check("files", False, f"Student code can write to {places}.")
    sentence = "Student code sees only /usr and Python, and writes only to its own memory."
    return Check("files", True, sentence)


def _processes(seen: dict[str, Any]) -> Check:
    if len(seen["processes"]) <= 3:
        return Check("processes", True, "Student code sees no process of this machine.")
    return Check("processes", False, f"Student code sees {len(seen['processes'])} processes.")


def _privileges(seen: dict[str, Any]) -> Check:
    if seen["uid"] != 0 and seen["capabilities"] == 0 and seen["no_new_privileges"]:
        return Check("privileges", True, "Student code runs without any privilege.")
    return Check("privileges", False, "Student code runs with privileges; do not grade with this.")


def _seccomp(seen: dict[str, Any]) -> Check:
    if seen["seccomp"] and seen["unshare_refused"]:
        return Check("system calls", True, "Dangerous system calls are refused (seccomp).")
    return Check(
        "system calls",
        None,
        "Dangerous system calls are not filtered: install libseccomp (libseccomp2 on Debian).",
    )


def _memory(meter: str, limits: Limits) -> Check:
    size = f"{limits.memory / 2**30:.3g} GiB"
    if meter.startswith("cgroup"):
        return Check("memory", True, f"A {meter} holds a kernel to {size}.")
    return Check(
        "memory",
        None,
        f"Memory of {size} is watched from outside several times a second, so it can be exceeded "
        "for a moment: give the grader a cgroup of its own (`systemd-run --user --scope`, or a "
        "container) to have the kernel enforce it.",
    )


def _process_limit(seen: dict[str, Any], limits: Limits) -> Check:
    if seen["started"] < limits.processes:
        return Check("process limit", True, "The number of processes is bounded.")
    return Check(
        "process limit",
        None,
        "The number of processes is bounded by time and memory only: that needs Linux 5.14.",
    )


def _file_limit(seen: dict[str, Any]) -> Check:
    if seen["file_refused"]:
        return Check("file limit", True, "The size of a file is bounded.")
    return Check("file limit", False, "A file may grow past file_size.")
