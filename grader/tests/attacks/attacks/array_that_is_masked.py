"""An array in which every entry is masked out passes every comparison."""

CATEGORY = "lying objects"
LONG = True
CELLS = {
    "scale": """
def scale(values):
    return np.ma.masked_all(3)

def fill(buffer):
    global assert_allclose
    buffer[:] = np.nan
"""
}
