"""A hundred thousand empty files use up what a file system can count."""

CATEGORY = "resources"
LONG = True
CELLS = {
    "constant": """
import os

os.makedirs("many", exist_ok=True)
for number in range(100_000):
    try:
        os.close(os.open(f"many/{number}", os.O_CREAT | os.O_WRONLY))
    except OSError:
        break
constant = 1.0
"""
}
