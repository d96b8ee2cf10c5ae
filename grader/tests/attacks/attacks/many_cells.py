"""Forty thousand cells keep the grader busy with one student."""

import json

CATEGORY = "notebook bombs"


def tamper(notebook):
    """As many small cells as fit into the size that is allowed."""
    cell = {"cell_type": "markdown", "metadata": {}, "source": ""}
    notebook.cells.extend([{**cell, "id": f"c{number}"} for number in range(40_000)])
    return json.dumps(notebook)
