"""Outputs that are programs, JavaScript or a widget, are run by the page."""

from grader.tests.attacks.browser import SCRIPT

CATEGORY = "HTML and script"
LONG = True
CELLS = {
    "constant": f'''
from IPython.display import Javascript, display

display(Javascript("{SCRIPT}"))
display({{"text/javascript": "{SCRIPT}", "text/plain": "x"}}, raw=True)
'''
}
