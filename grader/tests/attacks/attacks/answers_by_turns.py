"""Objects whose truth and comparisons change by turns stand where a test expects a plain value."""

CATEGORY = "lying objects"
LONG = True
CELLS = {
    "even": """
class Truth:
    asked = 0
    def __bool__(self):
        raise StopIteration("no")
    def __eq__(self, other):
        return True

def even(n):
    Truth.asked += 1
    return iter(()) if Truth.asked > 3 else Truth()
"""
}
