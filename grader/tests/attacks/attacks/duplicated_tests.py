"""Each test cell is there twice, and the copy, which passes, is taken for the test."""

from copy import deepcopy

from grader.tests.attacks.tampering import tests

CATEGORY = "forged notebook"


def tamper(notebook):
    """Add a harmless copy of each test before and after it."""
    for cell in tests(notebook):
        copy = deepcopy(cell)
        copy.source = "assert True"
        at = notebook.cells.index(cell)
        notebook.cells[at:at] = [copy]
        notebook.cells.insert(at + 2, deepcopy(copy))
