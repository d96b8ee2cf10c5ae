"""A name of a locked cell's is bound, so that the test kernel leaves that cell out as a plot."""

from grader.tests.attacks.guards import STUDENTS_TEXT

CATEGORY = "forged notebook"
NOTEBOOK = "data"
CELLS = {
    "level": "level = 0.0\nif False:\n    strictness = table = None",
    "slope": "def slope():\n    return 0.0",
}
GUARD = STUDENTS_TEXT
