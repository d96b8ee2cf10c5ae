"""A test ends with an exception that some runner takes for success or for a test not meant."""

CATEGORY = "exits and signals"
CELLS = {
    "scale": """
import asyncio, bdb, unittest

class AssertionPassed(KeyboardInterrupt):
    pass

def scale(values):
    raise unittest.SkipTest("not here")

def label(n):
    raise SystemExit(0)

def fill(buffer):
    raise AssertionPassed

def apply(function, items):
    raise StopIteration(function)

def total():
    raise GeneratorExit

def share(n):
    raise bdb.BdbQuit

class Meter:
    def __init__(self, start):
        raise asyncio.CancelledError
"""
}
