"""An array of objects that a test reads with allow_pickle puts another check into its kernel."""

from grader.tests.attacks.attacks.pickle_that_runs import CODE
from grader.tests.attacks.guards import FILES_AS_CODE

CATEGORY = "files"
NOTEBOOK = "data"
GUARD = FILES_AS_CODE
CELLS = {
    "column": f"""
{CODE}
def store(path):
    with open(path, "wb") as file:
        np.save(file, np.array([Word()], dtype=object))
""",
    "rank": "def rank(n):\n    return 0.0",
}
