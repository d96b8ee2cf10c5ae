"""Metadata of another schema version stops the whole command, and everybody behind goes without."""

from grader.tests.attacks.tampering import tests

CATEGORY = "forged notebook"


def tamper(notebook):
    """One version too old, one that does not exist."""
    tests(notebook)[0].metadata.nbgrader.schema_version = 1
    tests(notebook)[1].metadata.nbgrader.schema_version = 99
