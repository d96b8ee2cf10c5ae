"""What others handed in lies in nbgrader's exchange, which an ordinary user may read."""

CATEGORY = "files"
CELLS = {
    "constant": """
import os

for top in ("/usr/local/share/nbgrader", "/usr/local/etc/jupyter"):
    for folder, _, files in os.walk(top):
        for name in files:
            with open(os.path.join(folder, name)) as file:
                loot(file.read())
"""
}
