"""A loop catches whatever is raised to stop it, and the grader waits for ever."""

CATEGORY = "exits and signals"
CELLS = {
    "label": """
import time

def label(n):
    while True:
        try:
            time.sleep(30)
        except BaseException:
            pass
"""
}
