"""Lines of IPython's own take a reader outside the sandbox time that grows with their square."""

from nbformat.v4 import new_code_cell

CATEGORY = "notebook bombs"
LONG = True


def tamper(notebook):
    """Sixty kilobytes of magics, and a megabyte of plain source."""
    notebook.cells.append(new_code_cell("%time 0\n" * 7_500))
    notebook.cells.append(new_code_cell("x = 1\n" * 170_000))
