"""Processes that start processes leave the machine no room for anybody else's work."""

CATEGORY = "resources"
CELLS = {
    "constant": """
import os, time

started = 0
while started < 600:
    try:
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
        started += 1
    except OSError:
        break
constant = 1.0
"""
}
