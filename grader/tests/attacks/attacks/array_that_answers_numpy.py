"""A subclass of ndarray answers NumPy's functions and ufuncs itself, always with yes."""

CATEGORY = "lying objects"
CELLS = {
    "scale": """
class Yes(np.ndarray):
    def __array_function__(self, function, types, args, options):
        return True
    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return np.True_

def scale(values):
    return np.zeros(3).view(Yes)
"""
}
