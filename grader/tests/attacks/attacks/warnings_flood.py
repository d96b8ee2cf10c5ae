"""Each call warns and prints as much as it may, and a later call does so again."""

CATEGORY = "resources"
LONG = True
CELLS = {
    "even": """
import sys, warnings

class Loud:
    def __call__(self, n):
        for number in range(200):
            warnings.warn("w" * 20_000 + str(number))
        print("x" * 900_000)
        print("y" * 900_000, file=sys.stderr)
        return n % 2 == 1

even = Loud()
"""
}
