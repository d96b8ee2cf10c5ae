"""The interpreter itself is crashed while a test waits for it."""

CATEGORY = "exits and signals"
LONG = True
CELLS = {
    "label": """
import ctypes, faulthandler

faulthandler.disable()

def label(n):
    ctypes.string_at(8)
"""
}
