"""The instructor's notebook, with solutions and hidden tests, is read from its folder."""

CATEGORY = "files"
CELLS = {
    "constant": """
import glob, os

for top in ("@COURSE@", "..", "../..", "../../..", "/proc/self/cwd/../../.."):
    for path in glob.glob(os.path.join(top, "source", "*", "*.ipynb")):
        with open(path) as file:
            loot(file.read())
"""
}
