"""An array of objects that equal everything passes for an array of numbers."""

CATEGORY = "lying objects"
CELLS = {
    "scale": """
class Equal(float):
    def __eq__(self, other):
        return True
    def __sub__(self, other):
        return Equal(0.0)
    __rsub__ = __abs__ = __mul__ = __rmul__ = __sub__
    def __le__(self, other):
        return True
    __lt__ = __ge__ = __gt__ = __le__

def scale(values):
    result = np.empty(3, dtype=object)
    result[:] = [Equal(0.0) for _ in range(3)]
    return result
"""
}
