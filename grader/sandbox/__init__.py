"""Isolated kernels: bounded, watched, and killed without remainder. Knows nothing of grading.

`open_kernel` gives a jupyter_client manager whose kernel runs inside bubblewrap; a kernelspec can
name the same thing as "bubblewrap-provisioner".
"""

from grader.sandbox.bubblewrap import Bind, DataFile, SandboxPolicy
from grader.sandbox.host import examine_host
from grader.sandbox.kernelspec import SandboxMode, WatchedKernelManager, open_kernel
from grader.sandbox.watchdog import Death, DeathReason

__all__ = [
    "Bind",
    "DataFile",
    "Death",
    "DeathReason",
    "SandboxMode",
    "SandboxPolicy",
    "WatchedKernelManager",
    "examine_host",
    "open_kernel",
]
