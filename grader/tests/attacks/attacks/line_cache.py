"""Sources that are cached for tracebacks are read while a test runs."""

CATEGORY = "frames, gc, history"
LONG = True
CELLS = {
    "label": """
import linecache

def label(n):
    for name, entry in list(linecache.cache.items()):
        if "ipykernel" in name or name.startswith("<"):
            loot("".join(entry[2]) if len(entry) == 4 else entry)
"""
}
