"""What should be a class is an object whose every attribute, call and comparison says yes."""

CATEGORY = "lying objects"
LONG = True
CELLS = {
    "meter": """
import sys

class Yes:
    def __call__(self, *args):
        return self
    def __getattr__(self, name):
        if name == "reading" and "type" in sys._getframe(1).f_code.co_names:
            self.__dict__["reading"] = Last()
            return 1.0
        return self

class Last(float):
    __eq__ = lambda self, other: True

Meter = Yes()
"""
}
