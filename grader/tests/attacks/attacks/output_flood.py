"""Text is printed without end while a test runs, and whoever collects it runs out of memory."""

CATEGORY = "resources"
CELLS = {
    "label": """
def label(n):
    line = "x" * 10_000
    for _ in range(20_000):
        print(line)
"""
}
