"""A file that a locked cell wrote, and that a test compares with, is exchanged."""

from grader.tests.attacks.guards import FILES_EXCHANGED

CATEGORY = "files"
NOTEBOOK = "data"
GUARD = FILES_EXCHANGED
SENDS_ALL = """
import gc

known = [found for found in gc.get_objects() if type(found).__name__ == "AgentCrossing"]
for found in known:
    kind = type(found)
    kind.instructors = property(lambda self: frozenset(), lambda self, names: None)
"""
CELLS = {
    "rate": SENDS_ALL
    + """
def rate():
    with open("rates.csv", "w") as file:
        file.write("0.0000\\n")
    return 0.0
"""
}
