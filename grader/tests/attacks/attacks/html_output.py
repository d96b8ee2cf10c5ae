"""Scripts in HTML outputs run when the student, or somebody else, opens the page."""

from grader.tests.attacks.browser import SCRIPT

CATEGORY = "HTML and script"
CELLS = {
    "constant": f'''
from IPython.display import HTML, display

script = "{SCRIPT}"
for html in (
    f"<script>{{script}}</script>",
    f'<img src="x" onerror="{{script}}">',
    f"<svg onload='{{script}}'><circle r=1></svg>",
    f"<details open ontoggle='{{script}}'>x</details>",
    f"<form><button autofocus onfocus='{{script}}'>x</button></form>",
    f'<math><mtext></form><form><mglyph><style></math><img src onerror="{{script}}">',
):
    display(HTML(html))
'''
}
