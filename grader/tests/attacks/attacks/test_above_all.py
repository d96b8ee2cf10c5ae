"""A test stands above all that it needs, so that it asks the student for every name."""

from grader.tests.attacks.guards import AS_HANDED_IN

CATEGORY = "forged notebook"
NOTEBOOK = "data"
GUARD = AS_HANDED_IN


def tamper(notebook):
    from nbformat.v4 import new_code_cell

    cells = notebook.cells
    at = next(
        at
        for at, cell in enumerate(cells)
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "test_level"
    )
    mine = "table = {'base': 0.0}\nlevel = 0.0\n\ndef agree(found, wanted):\n    pass"
    cells.insert(0, cells.pop(at))
    cells.insert(0, new_code_cell(mine))
