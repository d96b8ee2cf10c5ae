"""An object that is called says that the iteration is over, so that a test of all looks at none."""

CATEGORY = "lying objects"
CELLS = {
    "even": """
class Even:
    def __call__(self, n):
        raise StopIteration
    def __bool__(self):
        raise StopIteration

even = Even()
"""
}
