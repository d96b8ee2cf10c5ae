"""A range of ten to the fifteen takes no memory until the test turns it into an array."""

CATEGORY = "resources"
LONG = True
CELLS = {
    "scale": """
def scale(values):
    return range(10**8)

def total():
    return range(10**15)
"""
}
