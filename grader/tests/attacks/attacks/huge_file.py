"""A notebook of fifty megabytes fills the memory of whoever reads it."""

CATEGORY = "notebook bombs"
LONG = True


def tamper(notebook):
    """One very long line of text."""
    notebook.cells[0].source = "x" * 50_000_000
