"""All test cells are deleted, so that nothing can fail."""

from grader.tests.attacks.tampering import tests

CATEGORY = "forged notebook"
LONG = True


def tamper(notebook):
    """Keep everything but the tests."""
    gone = tests(notebook)
    notebook.cells = [cell for cell in notebook.cells if cell not in gone]
