"""An object in place of a number is at no distance from any other, by its own word."""

CATEGORY = "lying objects"
CELLS = {
    "total": """
class Anywhere:
    def __sub__(self, other):
        return 0.0
    __rsub__ = __sub__
    def __abs__(self):
        return self
    def __lt__(self, other):
        return True
    __le__ = __lt__

def total():
    return Anywhere()
"""
}
