"""Test cells are turned into text or raw cells, which cannot fail."""

from grader.tests.attacks.tampering import tests

CATEGORY = "forged notebook"
LONG = True


def tamper(notebook):
    """Half become Markdown, half raw."""
    for number, cell in enumerate(tests(notebook)):
        cell.cell_type = ("markdown", "raw")[number % 2]
        del cell["outputs"], cell["execution_count"]
