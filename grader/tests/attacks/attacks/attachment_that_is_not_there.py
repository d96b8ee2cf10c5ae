"""A picture that is not attached to its cell keeps the whole notebook from being drawn."""

from nbformat.v4 import new_markdown_cell

CATEGORY = "notebook bombs"


def tamper(notebook):
    """In the two ways in which a text cell names what came with it."""
    notebook.cells.append(new_markdown_cell("![x](attachment:x.png) [y](attachment:y)"))
    notebook.cells.append(new_markdown_cell("![x][x]\n\n[x]: attachment:x.png"))
