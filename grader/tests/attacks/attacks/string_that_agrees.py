"""A string that equals every other is taken for the right word."""

CATEGORY = "lying objects"
CELLS = {
    "label": """
class Word(str):
    def __eq__(self, other):
        return True
    def __ne__(self, other):
        return False
    __hash__ = str.__hash__

def label(n):
    return Word("?")
"""
}
