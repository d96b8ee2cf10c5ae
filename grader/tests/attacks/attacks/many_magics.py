"""Sixty kilobytes of magics hold whoever reads them outside the sandbox."""

CATEGORY = "notebook bombs"


def tamper(notebook):
    cells = notebook.cells
    cell = next(c for c in cells if c.metadata.get("nbgrader", {}).get("grade_id") == "constant")
    cell.source = "%time double\n" * 5000
