"""A frame, an object or a base address in an output takes over the page or its links."""

from grader.tests.attacks.browser import SCRIPT

CATEGORY = "HTML and script"
CELLS = {
    "constant": f"""
from IPython.display import HTML, display

script = "parent.{SCRIPT}"
display(HTML(f'<iframe srcdoc="<script>{{script}}</script>"></iframe>'))
display(HTML(f'<object data="data:text/html,<script>{{script}}</script>"></object>'))
display(HTML('<base href="http://127.0.0.1:@PORT@/"><meta http-equiv="refresh" content="0;url=x">'))
display(HTML(f'<a href="javascript:{SCRIPT}">here</a>'))
"""
}
