"""The process above the kernel, which is the grader, is killed."""

CATEGORY = "exits and signals"
LONG = True
CELLS = {
    "constant": """
import os, signal

os.kill(os.getppid(), signal.SIGKILL)
"""
}
