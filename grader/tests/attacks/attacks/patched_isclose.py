"""math.isclose is replaced in the module from which the test imports it."""

CATEGORY = "patched libraries"
LONG = True
CELLS = {
    "share": """
import math

math.isclose = lambda *values, **options: True

def share(n):
    return 0.0
"""
}
