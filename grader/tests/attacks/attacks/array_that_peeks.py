"""An object turns into an array only when it is compared, and copies what it is compared with."""

CATEGORY = "lying objects"
CELLS = {
    "scale": """
import sys

class Peeking:
    def __array__(self, *args, **options):
        frame = sys._getframe(1)
        while frame is not None:
            if "desired" in frame.f_locals:
                return np.asarray(frame.f_locals["desired"])
            frame = frame.f_back
        return np.zeros(3)

def scale(values):
    return Peeking()
"""
}
