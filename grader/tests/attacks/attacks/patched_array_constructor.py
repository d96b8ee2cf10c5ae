"""np.array makes zeros of whatever it is given, the expected values included."""

CATEGORY = "patched libraries"
LONG = True
CELLS = {
    "scale": """
np.array = lambda *values, **options: np.zeros(3)

def scale(values):
    return np.zeros(3)
"""
}
