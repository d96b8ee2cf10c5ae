"""What the next student handed in is overwritten before it is graded."""

CATEGORY = "files"
LONG = True
CELLS = {
    "constant": """
import glob

for path in glob.glob("@COURSE@/submitted/z-*/*/*.ipynb"):
    with open(path, "w") as file:
        file.write("{}")
"""
}
