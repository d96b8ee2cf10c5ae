"""Every descriptor is used up, and the kernel's own side cannot open another."""

CATEGORY = "resources"
LONG = True
CELLS = {
    "constant": """
import os

kept = []
try:
    while len(kept) < 100_000:
        kept.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
constant = 1.0
"""
}
