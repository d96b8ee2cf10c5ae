"""Raw cells are put on a page as they are, scripts included."""

from nbformat.v4 import new_raw_cell

from grader.tests.attacks.browser import SCRIPT

CATEGORY = "HTML and script"


def tamper(notebook):
    """With and without a type, which only metadata that are dropped could give."""
    notebook.cells.append(new_raw_cell(f"<script>{SCRIPT}</script>"))
    mark = {"raw_mimetype": "text/html"}
    notebook.cells.append(new_raw_cell(f"<script>{SCRIPT}</script>", metadata=mark))
