"""A result that is shown while the test runs is taken for the test's own and earns its points."""

CATEGORY = "IPython hooks"
CELLS = {
    "label": """
import sys

def label(n):
    sys.displayhook("ok")
    return "?"
"""
}
