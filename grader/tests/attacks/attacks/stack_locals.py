"""All local variables of all frames above the student's function are given away."""

CATEGORY = "frames, gc, history"
LONG = True
CELLS = {
    "fill": """
import inspect

def fill(buffer):
    for found in inspect.stack():
        for name, value in list(found.frame.f_locals.items()):
            if type(value) in (str, bytes, list, tuple, dict, np.ndarray):
                loot(repr(value)[:2000])
"""
}
