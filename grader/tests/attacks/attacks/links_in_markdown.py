"""Links of Markdown run scripts, in every way in which a link can be written."""

from nbformat.v4 import new_markdown_cell

from grader.tests.attacks.browser import SCRIPT

CATEGORY = "HTML and script"


def tamper(notebook):
    """Definitions, entities, escapes, blocks of programs that draw."""
    texts = [
        f"[here]\n\n[here]: javascript:{SCRIPT}",
        f"[here](javascript&#58;{SCRIPT}) [there](&#106;avascript:{SCRIPT})",
        f"[here](<javascript:{SCRIPT}>) [there]( javascript\\:{SCRIPT} 'title')",
        f"> - [here](JaVaScRiPt:{SCRIPT})",
        f"![picture](javascript:{SCRIPT}) [![x](picture.png)](javascript:{SCRIPT})",
        f"<svg><a xlink:href='javascript:{SCRIPT}'><text>x</text></a></svg>",
        f"```mermaid\ngraph TD; A[<img src=x onerror={SCRIPT}>]\n```",
        f"~~~ &#109;ermaid\nclick A javascript:{SCRIPT}\n~~~",
        f"`<script>` <a\nhref=javascript:{SCRIPT}>x</a>",
        f"<!-- --><script>{SCRIPT}</script>",
    ]
    notebook.cells.extend(new_markdown_cell(text) for text in texts)
