"""The data file that a test reads is overwritten, so that nothing is the right answer."""

CATEGORY = "files"
CELLS = {
    "total": """
import os

os.chmod(".", 0o700)
if os.path.exists("data.csv"):
    os.remove("data.csv")
with open("data.csv", "w") as file:
    file.write("0.0\\n")

def total():
    return 0.0
"""
}
