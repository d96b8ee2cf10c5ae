"""The disk is filled, first the work folder and then every other place that can be written."""

CATEGORY = "resources"
LONG = True
CELLS = {
    "constant": """
import os

for folder in (".", "/tmp", "/var/tmp", "/dev/shm", "/run", "@HOME@", "@COURSE@"):
    for number in range(20):
        try:
            with open(os.path.join(folder, f"@MARK@{number}"), "wb") as file:
                file.write(b"x" * 2**23)
        except OSError:
            break
constant = 1.0
"""
}
