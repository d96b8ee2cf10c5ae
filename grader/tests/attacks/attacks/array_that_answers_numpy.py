"""A subclass of ndarray answers NumPy's functions itself, always with yes."""

CATEGORY = "lying objects"
CELLS = {
    "scale": """
class Yes(np.ndarray):
    def __array_function__(self, function, types, args, options):
        if function.__name__ in ("isclose", "allclose", "array_equal"):
            return np.ones(3, bool)
        return super().__array_function__(function, types, args, options)
    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        named = ufunc.__name__
        return np.zeros(3, bool) if named in ("isnan", "isinf") else np.ones(3, bool)

def scale(values):
    return np.zeros(3).view(Yes)
"""
}
