"""An iterator without an end is handed to a test that collects all of it."""

CATEGORY = "resources"
LONG = True
CELLS = {
    "scale": """
import itertools

class Endless:
    def __len__(self):
        return 2**62
    def __getitem__(self, index):
        return Endless()
    def __iter__(self):
        return itertools.repeat(1.0)

def scale(values):
    return Endless()
"""
}
