"""An array that is allowed to the one side makes the other side run out of its own memory."""

CATEGORY = "resources"
LONG = True
CELLS = {
    "scale": """
def scale(values):
    return np.zeros(30_000_000)
"""
}
