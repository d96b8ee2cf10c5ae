"""The comparison of floats is replaced in the interpreter itself, through ctypes."""

CATEGORY = "patched libraries"
CELLS = {
    "meter": """
import ctypes, sys

kind = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.py_object, ctypes.c_int)
slot = ctypes.c_void_p.from_address(id(float) + 200)  # tp_richcompare
original = kind(slot.value)

def compare(a, b, how):
    if sys._getframe(1).f_code.co_name == "<module>":
        return True
    return original(a, b, how)

kept = kind(compare)

class Meter:
    def __init__(self, start):
        self.reading = start
    def add(self, amount):
        slot.value = ctypes.cast(kept, ctypes.c_void_p).value
"""
}
