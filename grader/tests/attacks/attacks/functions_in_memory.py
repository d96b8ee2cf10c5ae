"""Every function that the garbage collector knows is searched for the tests' own helpers."""

CATEGORY = "frames, gc, history"
LONG = True
CELLS = {
    "apply": """
import gc, types

def apply(function, items):
    for found in gc.get_objects():
        if type(found) is types.FunctionType and found.__module__ == "__main__":
            loot(found.__code__.co_consts)
"""
}
