"""A property gives a plain float when its type is checked and a liar when it is compared."""

CATEGORY = "lying objects"
CELLS = {
    "meter": """
class Equal(float):
    def __eq__(self, other):
        return True
    __hash__ = float.__hash__

class Meter:
    reads = 0
    def __init__(self, start):
        pass
    def add(self, amount):
        pass
    @property
    def reading(self):
        Meter.reads += 1
        return 1.0 if Meter.reads == 1 else Equal(1.0)
"""
}
