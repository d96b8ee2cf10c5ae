"""An object takes part in the subtraction that the comparison makes, sees the expected value, and
says that the difference is nothing."""

CATEGORY = "lying objects"
CELLS = {
    "scale": """
class Cancelling:
    def nothing(self, other=None):
        loot(other)
        return 0.0
    __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = nothing
    __abs__ = __float__ = nothing
    def __eq__(self, other):
        loot(other)
        return True
    __le__ = __lt__ = __ge__ = __gt__ = __eq__

def scale(values):
    return Cancelling()
"""
}
