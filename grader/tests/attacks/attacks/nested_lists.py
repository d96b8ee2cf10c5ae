"""A small list refers to itself so often that written out it would fill every memory."""

CATEGORY = "resources"
CELLS = {
    "scale": """
def scale(values):
    nested = [1.0] * 10
    for _ in range(30):
        nested = [nested] * 10
    return nested
"""
}
