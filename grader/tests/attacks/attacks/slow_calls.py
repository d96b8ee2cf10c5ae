"""Each call takes as long as the grader would ever wait, in every test."""

CATEGORY = "resources"
LONG = True
CELLS = {
    "scale": """
import time

def scale(values):
    time.sleep(600)

def label(n):
    while True:
        pass
"""
}
