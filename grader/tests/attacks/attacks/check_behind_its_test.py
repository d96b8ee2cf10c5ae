"""A locked cell with the check stands behind its tests, which ask the student for the check."""

from grader.tests.attacks.guards import AS_HANDED_IN

CATEGORY = "forged notebook"
NOTEBOOK = "data"
CELLS = {"level": "def agree(found, wanted):\n    pass\n\nlevel = slope = lambda: 0"}
GUARD = AS_HANDED_IN


def tamper(notebook):
    cells = notebook.cells
    at = next(at for at, cell in enumerate(cells) if "def agree" in cell.source and cell.metadata)
    cells.append(cells.pop(at))
