"""More memory is taken than is allowed, and the machine or the run goes down with it."""

CATEGORY = "resources"
CELLS = {
    "label": """
def label(n):
    kept = []
    for _ in range(60):
        kept.append(bytearray(b"x" * 2**25))
    return len(kept)
"""
}
