"""A private file in the home of the person who grades is read."""

CATEGORY = "files"
CELLS = {
    "constant": """
import os

for folder in ("@HOME@", os.path.expanduser("~"), "/proc/self/root@HOME@"):
    path = os.path.join(folder, "secret.txt")
    if os.path.exists(path):
        with open(path) as file:
            loot(file.read())
"""
}
