"""The tests' own metadata promises points without end, negative ones, and points for nothing."""

from grader.tests.attacks.tampering import tests

CATEGORY = "forged notebook"
LONG = True


def tamper(notebook):
    """Change what the metadata says about grading."""
    for cell in tests(notebook):
        cell.metadata.nbgrader.update(points=1e9, score=1e9, auto_score=1e9, manual_score=7)
    tests(notebook)[1].metadata.nbgrader.update(points=-5)
