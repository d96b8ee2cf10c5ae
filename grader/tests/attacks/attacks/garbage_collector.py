"""The garbage collector lists every dict in the process, the one with the answer among them."""

CATEGORY = "frames, gc, history"
CELLS = {
    "scale": """
import gc

def scale(values):
    for found in gc.get_objects():
        if type(found) is dict and type(found.get("expected")) is np.ndarray:
            return found["expected"]
"""
}
