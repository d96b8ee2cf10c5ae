"""Every test cell is rewritten to pass."""

from grader.tests.attacks.tampering import tests

CATEGORY = "forged notebook"
LONG = True


def tamper(notebook):
    """Leave the grade_id and change the source."""
    for cell in tests(notebook):
        cell.source = "assert True"
        cell.metadata.nbgrader.locked = False
