"""The gradebook, which holds the source of every test, is read."""

CATEGORY = "files"
CELLS = {
    "constant": """
import sqlite3

with sqlite3.connect("file:@COURSE@/gradebook.db?mode=ro", uri=True) as database:
    for (source,) in database.execute("SELECT source FROM source_cell"):
        loot(source)
"""
}
