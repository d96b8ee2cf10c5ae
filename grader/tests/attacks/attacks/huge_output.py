"""One single output of a hundred megabytes is more than the other side can take in."""

CATEGORY = "resources"
LONG = True
CELLS = {
    "label": """
from IPython.display import display

def label(n):
    display({"text/plain": "x" * 100_000_000}, raw=True)
"""
}
