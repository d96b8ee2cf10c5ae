"""What other students handed in is read."""

CATEGORY = "files"
LONG = True
CELLS = {
    "constant": """
import glob

others = sorted(glob.glob("@COURSE@/submitted/*/*/*.ipynb"))
for path in others[:1] + others[-1:]:
    with open(path) as file:
        loot(file.read())
"""
}
