"""NumPy's own comparison is replaced by one that never complains."""

CATEGORY = "patched libraries"
CELLS = {
    "scale": """
import numpy.testing

numpy.testing.assert_allclose = assert_allclose = lambda *values, **options: None

def scale(values):
    return values
"""
}
