"""A cell tagged for papermill is taken for the instructor's, and steers how the rest is run."""

CATEGORY = "forged notebook"
LONG = True
EXTRA = [(1, "assert_allclose = lambda *values, **options: None")]


def tamper(notebook):
    """Claim every tag and note that the machinery knows."""
    cell = notebook.cells[1]
    cell.metadata = {
        "tags": ["parameters", "injected-parameters", "instructor"],
        "nbgrader": {
            "grade_id": "setup",
            "locked": True,
            "grade": False,
            "solution": False,
            "schema_version": 3,
            "task": False,
        },
        "grader": {"include": "checking", "where": "test"},
    }
