"""An object that is no float says that it is one, and that it is near every number."""

CATEGORY = "lying objects"
CELLS = {
    "constant": """
class Posing:
    @property
    def __class__(self):
        return float
    def __sub__(self, other):
        return self
    def __abs__(self):
        return self
    def __lt__(self, other):
        return True
    def __bool__(self):
        return True

constant = Posing()
"""
}
