"""A file that a test unpickles puts another check into the test kernel."""

from grader.tests.attacks.guards import FILES_AS_CODE

CATEGORY = "files"
NOTEBOOK = "data"
GUARD = FILES_AS_CODE
CODE = """
class Word:
    def __reduce__(self):
        return exec, ("import __main__, builtins\\n__main__.agree = lambda *a: None\\n",)
"""
CELLS = {
    "weight": f"""
import pickle
{CODE}
def save(path, value):
    with open(path, "wb") as file:
        pickle.dump(Word(), file)
""",
    "rank": "def rank(n):\n    return 0.0",
}
