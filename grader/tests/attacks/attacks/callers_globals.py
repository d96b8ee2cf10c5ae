"""The student's function reads the expected value from its caller's frame and returns it."""

CATEGORY = "frames, gc, history"
CELLS = {
    "scale": """
import sys

def scale(values):
    frame = sys._getframe(1)
    while frame is not None:
        for names in (frame.f_locals, frame.f_globals):
            if "expected" in names:
                return names["expected"]
        frame = frame.f_back

def label(n):
    frame = sys._getframe(1)
    while frame is not None:
        if "word" in frame.f_globals:
            return frame.f_globals["word"]
        frame = frame.f_back
"""
}
