"""Hundreds of dead children are never collected, and fill the table of processes."""

CATEGORY = "resources"
LONG = True
CELLS = {
    "constant": """
import os

for _ in range(600):
    try:
        if os.fork() == 0:
            os._exit(0)
    except OSError:
        break
constant = 1.0
"""
}
