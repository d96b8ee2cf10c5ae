"""A float that is near every number is taken for the right one."""

CATEGORY = "lying objects"
LONG = True
CELLS = {
    "constant": """
class Near(float):
    def __sub__(self, other):
        return self
    __rsub__ = __abs__ = lambda self, *_: self
    def __lt__(self, other):
        return True
    __le__ = __eq__ = __ne__ = __gt__ = __ge__ = __lt__
    __hash__ = float.__hash__

constant = Near(0.0)
"""
}
