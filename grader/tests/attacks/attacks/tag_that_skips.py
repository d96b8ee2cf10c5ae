"""The tag skip-execution keeps test cells from running, and a test that did not run passes."""

from grader.tests.attacks.tampering import tests

CATEGORY = "forged notebook"


def tamper(notebook):
    """Tag every test, and say the same in other ways."""
    for cell in tests(notebook):
        cell.metadata.tags = ["skip-execution", "raises-exception", "nbval-skip"]
        cell.metadata.papermill = {"status": "completed", "exception": False}
