"""A property gives a number once and then the object itself, which answers the comparison."""

CATEGORY = "lying objects"
CELLS = {
    "meter": """
class Meter:
    reads = 0
    def __init__(self, start):
        pass
    def add(self, amount):
        pass
    @property
    def reading(self):
        Meter.reads += 1
        return 1.0 if Meter.reads == 1 else self
    def __eq__(self, other):
        loot(other)
        return True
"""
}
