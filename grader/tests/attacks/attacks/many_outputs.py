"""Ten thousand outputs, some of them broken images, fill every page that shows them."""

import json

CATEGORY = "notebook bombs"
LONG = True


def tamper(notebook):
    """Outputs of every kind below one cell."""
    image = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "AAAA" * 20}}
    stream = {"output_type": "stream", "name": "stdout", "text": ["\u001b[31m"] * 5}
    notebook.cells[1].outputs = [image, stream] * 5_000
    return json.dumps(notebook)
