"""An array of one entry claims, by strides of zero, to be a thousand gigabytes long."""

CATEGORY = "resources"
LONG = True
CELLS = {
    "scale": """
def scale(values):
    return np.broadcast_to(np.float64(1.0), (2**37,))

def fill(buffer):
    buffer.resize((2**34,), refcheck=False)
"""
}
