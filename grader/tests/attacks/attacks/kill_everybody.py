"""Every process that can be reached is killed."""

CATEGORY = "exits and signals"
CELLS = {
    "constant": """
import os, signal

for pid in [*range(2, 400), *(int(name) for name in os.listdir("/proc") if name.isdigit())]:
    if pid != os.getpid():
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
os.kill(-1, signal.SIGKILL)
"""
}
