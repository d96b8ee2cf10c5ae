"""A few kilobytes of text keep the writing of feedback busy, or fill its memory."""

from nbformat.v4 import new_code_cell, new_markdown_cell

CATEGORY = "notebook bombs"
LONG = True


def tamper(notebook):
    """Blank lines, brackets that never close, open tags that each new block copies."""
    notebook.cells.extend(new_markdown_cell("\\\\[" * 6_600) for _ in range(60))
    notebook.cells.append(new_code_cell("# x\n" + " \n" * 19_000))
    tags = "".join(f"<b a{number}>" for number in range(1_500)) + "<p>" * 1_500
    notebook.cells.append(new_code_cell(f"from IPython.display import HTML\nHTML({tags!r})"))
