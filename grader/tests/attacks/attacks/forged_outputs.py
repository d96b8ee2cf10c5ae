"""Test cells are handed in with outputs that say that they passed, with many points."""

from nbformat.v4 import new_output

from grader.tests.attacks.tampering import tests

CATEGORY = "forged notebook"


def tamper(notebook):
    """A result of 99 points below every test."""
    for cell in tests(notebook):
        data = {"text/plain": "99.0"}
        cell.outputs = [new_output("execute_result", data, execution_count=1)]
        cell.execution_count = 1
