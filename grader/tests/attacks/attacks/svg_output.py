"""A drawing carries a script, which runs in the page that shows the drawing."""

from grader.tests.attacks.browser import SCRIPT

CATEGORY = "HTML and script"
LONG = True
CELLS = {
    "constant": f'''
from IPython.display import display

svg = '<svg xmlns="http://www.w3.org/2000/svg" onload="{SCRIPT}"><script>{SCRIPT}</script></svg>'
display({{"image/svg+xml": svg}}, raw=True)
'''
}
