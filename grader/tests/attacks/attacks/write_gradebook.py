"""Every score in the gradebook is set to 99 points by hand."""

CATEGORY = "files"
CELLS = {
    "constant": """
import sqlite3

with sqlite3.connect("@COURSE@/gradebook.db", timeout=1) as database:
    database.execute("UPDATE grade SET manual_score = 99")
"""
}
