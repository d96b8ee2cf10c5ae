"""Sixty busy processes make the honest tests of another submission run out of time."""

CATEGORY = "resources"
LONG = True
CELLS = {
    "constant": """
import os

for _ in range(58):
    if os.fork() == 0:
        while True:
            pass
while True:
    pass
"""
}
