"""The Jupyter message that the kernel is answering holds the source of the test."""

CATEGORY = "frames, gc, history"
CELLS = {
    "label": """
import re

def label(n):
    shell = get_ipython()
    loot(shell.parent_header)
    loot(shell.kernel.get_parent())
    found = re.search(r"word = '([^']+)'", shell.kernel.get_parent()["content"].get("code", ""))
    return found and found[1]
"""
}
