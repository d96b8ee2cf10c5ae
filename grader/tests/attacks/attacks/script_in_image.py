"""What calls itself an image, or its name, is text that the page takes for markup."""

from nbformat.v4 import new_markdown_cell

from grader.tests.attacks.browser import SCRIPT

CATEGORY = "HTML and script"
LONG = True
CELLS = {
    "constant": f'''
from IPython.display import display

display({{"image/png": '"><script>{SCRIPT}</script>'}}, raw=True)
display({{"image/jpeg": "/9j/\\" onerror=\\"{SCRIPT}"}}, raw=True)
display({{"text/latex": "$<script>{SCRIPT}</script>$"}}, raw=True)
'''
}


def tamper(notebook):
    """An attachment with a telling name."""
    cell = new_markdown_cell(f'![x](attachment:a.png "\'><script>{SCRIPT}</script>")')
    cell.attachments = {"a.png": {"image/png": f'"><script>{SCRIPT}</script>'}}
    notebook.cells.append(cell)
