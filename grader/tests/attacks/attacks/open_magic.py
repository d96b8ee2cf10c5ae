"""A magic with a text that never ends makes a fault of whoever reads it."""

CATEGORY = "notebook bombs"


def tamper(notebook):
    cells = notebook.cells
    cell = next(c for c in cells if c.metadata.get("nbgrader", {}).get("grade_id") == "constant")
    cell.source = 'x = %"""\ndouble\n'
