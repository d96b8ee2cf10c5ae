"""The locked data that a test compares with stands behind it, so that the student's counts."""

from grader.tests.attacks.guards import AS_HANDED_IN

CATEGORY = "forged notebook"
NOTEBOOK = "data"
CELLS = {"level": "level = 0.0"}
EXTRA = [(0, "table = {'base': 0.0}")]
GUARD = AS_HANDED_IN


def tamper(notebook):
    cells = notebook.cells
    for name in ("table", "seal"):
        at = next(
            at
            for at, cell in enumerate(cells)
            if cell.metadata.get("nbgrader", {}).get("grade_id") == name
        )
        cells.append(cells.pop(at))
