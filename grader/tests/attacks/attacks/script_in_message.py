"""The message of an exception, which the report quotes, holds a script and terminal codes."""

from grader.tests.attacks.browser import SCRIPT

CATEGORY = "HTML and script"
CELLS = {
    "label": f"""
def label(n):
    raise ValueError("<script>{SCRIPT}</script>\\x1b]8;;x\\x07[bold]<img src=x onerror={SCRIPT}>")

class Odd(Exception):
    pass

Odd.__name__ = Odd.__qualname__ = "<script>{SCRIPT}</script>"

def fill(buffer):
    raise Odd("</pre></title><script>{SCRIPT}</script>")
"""
}
