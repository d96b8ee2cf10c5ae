"""The file in which a test keeps its expected value is exchanged while it waits."""

from grader.tests.attacks.attacks.file_of_a_locked_cell import SENDS_ALL
from grader.tests.attacks.guards import FILES_EXCHANGED

CATEGORY = "files"
NOTEBOOK = "data"
GUARD = FILES_EXCHANGED
CELLS = {
    "rank": SENDS_ALL
    + """
def rank(n):
    with open("expected.json", "w") as file:
        file.write("0.0")
    return 0.0
"""
}
