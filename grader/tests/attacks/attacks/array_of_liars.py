"""An array of objects that equal everything passes for an array of numbers."""

CATEGORY = "lying objects"
LONG = True
CELLS = {
    "scale": """
class Equal(float):
    def __eq__(self, other):
        return True
    def same(self, *other):
        return self
    __sub__ = __rsub__ = __abs__ = __mul__ = __rmul__ = __truediv__ = same
    def __le__(self, other):
        return True
    __lt__ = __ge__ = __gt__ = __le__
    __hash__ = float.__hash__

class Objects(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if ufunc.__name__.startswith("is"):
            return np.isfinite(np.zeros(3)) if "finite" in ufunc.__name__ else np.zeros(3, bool)
        return np.ones(3, bool)

def scale(values):
    result = np.empty(3, dtype=object)
    result[:] = [Equal(0.0) for _ in range(3)]
    return result.view(Objects)
"""
}
