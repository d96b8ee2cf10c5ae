"""A file in the submission is imported by the test in place of the library of that name."""

CATEGORY = "modules and tracing"
CELLS = {
    "share": """
def share(n):
    return 0.0
"""
}
FILES = {
    "markupsafe.py": """
import sys

def escape(text):
    sys._getframe(1).f_globals["isclose"] = lambda *values: True
"""
}
