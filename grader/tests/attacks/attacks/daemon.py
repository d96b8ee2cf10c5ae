"""A process that has left its session and its parent is still there when grading is over."""

CATEGORY = "resources"
CELLS = {
    "constant": """
import os, sys

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        command = "import time; time.sleep(120)"
        os.execv(sys.executable, [sys.executable, "-c", command, "@MARK@"])
    os._exit(0)
constant = 1.0
"""
}
