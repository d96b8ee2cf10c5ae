"""A dict or set whose keys all hash alike takes hours to build on the other side."""

CATEGORY = "resources"
CELLS = {
    "scale": """
def scale(values):
    prime = 2**61 - 1
    return dict.fromkeys([1 + prime])  | {n * prime: 0 for n in range(60)} | _many(prime)

def _many(prime):
    keys = [tuple([n * prime, 0]) for n in range(3000)]
    return {n: list(keys) for n in range(3)}

def label(n):
    prime = 2**61 - 1
    return [k * prime for k in range(90_000)]

def fill(buffer):
    raise KeyError({k * (2**61 - 1) for k in range(3000)})
"""
}
