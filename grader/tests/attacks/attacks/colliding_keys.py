"""A dict or set whose keys nearly all hash alike takes for ever to build on the other side."""

CATEGORY = "resources"
LONG = True
CELLS = {
    "share": """
def share(n):
    class Quick(int):
        pass
    prime = 2**61 - 1
    keys = [*range(1, 20_001), *(n * prime for n in range(1, 50_001))]
    for n in range(0, len(keys), 100):
        keys[n], keys[-n - 1] = keys[-n - 1], keys[n]
    return keys

def label(n):
    raise KeyError(share(n))

class Meter:
    def __init__(self, start):
        pass
    def add(self, amount):
        pass
    @property
    def reading(self):
        prime = 2**61 - 1
        return {n * prime: 0 for n in range(1, 6_000)}
"""
}
