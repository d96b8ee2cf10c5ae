"""Endless recursion without Python's limit overflows the stack of the process."""

CATEGORY = "exits and signals"
LONG = True
CELLS = {
    "label": """
import sys, threading

class Deep:
    def __repr__(self):
        return repr(self.inner)

def label(n):
    sys.setrecursionlimit(10**9)
    chain = Deep()
    chain.inner = chain
    return repr(chain)
"""
}
