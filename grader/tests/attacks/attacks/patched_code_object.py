"""The comparison keeps its name and place, but its code is swapped for code that does nothing."""

CATEGORY = "patched libraries"
CELLS = {
    "scale": """
assert_allclose.__wrapped__ = None
inner = np.testing._private.utils.assert_allclose
inner.__code__ = (lambda *values, **options: None).__code__

def scale(values):
    return values
"""
}
