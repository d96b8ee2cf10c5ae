"""An object that the test drops looks around in its last moment."""

CATEGORY = "frames, gc, history"
LONG = True
CELLS = {
    "scale": """
import sys

class Dying(np.ndarray):
    def __del__(self):
        frame = sys._getframe(1)
        while frame is not None:
            for word in ("canary", "expected", "desired"):
                value = frame.f_locals.get(word)
                loot(value.tolist() if isinstance(value, np.ndarray) else value)
            frame = frame.f_back

def scale(values):
    return values.view(Dying)
"""
}
