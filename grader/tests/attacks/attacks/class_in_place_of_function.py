"""A class stands where a function should: the test makes an object, which equals everything."""

CATEGORY = "lying objects"
CELLS = {
    "label": """
class label:
    def __init__(self, n):
        pass
    def __eq__(self, other):
        loot(other)
        return True
    __hash__ = object.__hash__

class total(label):
    def __init__(self):
        pass
    def __sub__(self, other):
        loot(other)
        return 0.0
"""
}
