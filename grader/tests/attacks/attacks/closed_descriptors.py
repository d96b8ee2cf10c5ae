"""All descriptors are closed, the kernel's own channels among them, and the grader hangs."""

CATEGORY = "exits and signals"
LONG = True
CELLS = {
    "label": """
import os

def label(n):
    os.closerange(0, 4096)
"""
}
