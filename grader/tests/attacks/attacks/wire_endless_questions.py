"""The peer answers each question with another, so that the two never come to an end."""

CATEGORY = "wire"
LONG = True
CELLS = {
    "apply": """
def apply(function, items):
    def again(n):
        return function(items[0]) and apply(function, items)
    while True:
        function(items[0])

class Loop:
    def __call__(self, n):
        return self.__call__(n)
"""
}
