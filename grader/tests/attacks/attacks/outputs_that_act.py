"""Parts of an output that a page takes over unread: LaTeX, an image's data, metadata, Markdown."""

from grader.tests.attacks.browser import SCRIPT

CATEGORY = "HTML and script"
CELLS = {
    "constant": f'''
from IPython.display import publish_display_data

script = "{SCRIPT}"
tag = f"<script>{{script}}</script>"
for data, metadata in (
    ({{"text/latex": tag}}, {{}}),
    ({{"text/latex": f"$\\\\href{{{{javascript:{{script}}}}}}{{{{x}}}}$"}}, {{}}),
    ({{"image/png": f'x" onerror="{{script}}'}}, {{}}),
    ({{"image/jpeg": f'">{{tag}}'}}, {{}}),
    ({{"image/png": "iVBORw0KGgo="}}, {{"image/png": {{"width": f'1" onload="{{script}}'}}}}),
    ({{"image/svg+xml": f"<svg onload='{{script}}'></svg>"}}, {{}}),
    ({{"text/markdown": f"{{tag}} [x](javascript:{{script}})"}}, {{}}),
    ({{"application/javascript": script}}, {{}}),
    ({{"application/vnd.jupyter.widget-view+json": {{"model_id": tag}}}}, {{}}),
    ({{"text/html": f"<math><mtext><table><mglyph><style><img onerror={{script}} src=x>"}}, {{}}),
):
    publish_display_data(data, metadata)
'''
}
