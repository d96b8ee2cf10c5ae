"""Half characters, which no file can hold, are in sources, names and metadata."""

import json

CATEGORY = "notebook bombs"
CELLS = {"constant": 'constant = 1.0\nprint("\\ud800")'}


def tamper(notebook):
    """JSON may escape what UTF-8 may not hold."""
    notebook.cells.append(
        {
            "cell_type": "code",
            "id": "odd",
            "metadata": {"tags": ["\udfff"]},
            "outputs": [],
            "execution_count": None,
            "source": "# \ud800",
        }
    )
    return json.dumps(notebook)
