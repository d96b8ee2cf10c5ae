"""What a function returns says, when asked for its truth, that an iteration is over."""

CATEGORY = "lying objects"
CELLS = {
    "even": """
class Truth:
    def __bool__(self):
        raise StopIteration
    __len__ = __index__ = __float__ = __bool__

def even(n):
    return Truth()
"""
}
