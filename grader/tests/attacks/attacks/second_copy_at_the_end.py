"""Of two copies of the locked check the ones at the end count, and tests before them ask."""

from grader.tests.attacks.guards import AS_HANDED_IN

CATEGORY = "forged notebook"
NOTEBOOK = "data"
CELLS = {"level": "def agree(found, wanted):\n    pass\n\nlevel = slope = lambda: 0"}
GUARD = AS_HANDED_IN


def tamper(notebook):
    cells = notebook.cells
    at = next(at for at, cell in enumerate(cells) if "def agree" in cell.source and cell.metadata)
    check = cells.pop(at)
    cells += [check, check]
