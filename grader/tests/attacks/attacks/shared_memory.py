"""Memory that no single process owns, shared mappings and /dev/shm, is filled."""

CATEGORY = "resources"
CELLS = {
    "label": """
import mmap, os

def label(n):
    kept = []
    for number in range(60):
        shared = mmap.mmap(-1, 2**25)
        shared.write(b"x" * 2**25)
        kept.append(shared)
        try:
            with open(f"/dev/shm/fill-{number}", "wb") as file:
                file.write(b"x" * 2**23)
        except OSError:
            pass
"""
}
