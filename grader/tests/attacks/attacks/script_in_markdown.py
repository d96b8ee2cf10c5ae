"""Text cells that the attacker writes hold scripts and links that run them."""

from nbformat.v4 import new_markdown_cell

from grader.tests.attacks.browser import SCRIPT

CATEGORY = "HTML and script"


def tamper(notebook):
    """Text in several guises, among the student's own cells."""
    texts = [
        f"<script>{SCRIPT}</script>",
        f'<img src=x onerror="{SCRIPT}">',
        f"[here](javascript:{SCRIPT}) <javascript:{SCRIPT}>",
        f"$\\href{{javascript:{SCRIPT}}}{{x}}$ $</script><script>{SCRIPT}</script>$",
    ]
    notebook.cells.extend(new_markdown_cell(text) for text in texts)
