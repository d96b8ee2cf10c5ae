"""Metadata of the wrong types, and ids that are paths or no text, stop the grader."""

from grader.tests.attacks.tampering import tests

CATEGORY = "forged notebook"
LONG = True


def tamper(notebook):
    """Each test gets another kind of nonsense."""
    wrong = [
        None,
        [],
        17,
        {"grade_id": "../../../etc/passwd"},
        {"grade_id": "\u202e\x00"},
        {"grade_id": ["test_fill"]},
        {"grade_id": "x" * 100_000},
        {},
    ]
    for cell, nonsense in zip(tests(notebook), wrong, strict=False):
        cell.metadata["nbgrader"] = nonsense
    notebook.metadata["nbgrader"] = "?"
