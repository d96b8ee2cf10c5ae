"""An exception carries a message of a hundred megabytes, and causes a thousand deep."""

CATEGORY = "resources"
LONG = True
CELLS = {
    "label": """
def label(n):
    error = ValueError("x" * 100_000_000)
    for _ in range(1000):
        deeper = ValueError("y")
        deeper.__cause__ = error
        error = deeper
    raise error
"""
}
