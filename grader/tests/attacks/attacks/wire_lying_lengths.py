"""Lengths in front of a message promise what never comes, and more than there could be."""

CATEGORY = "wire"
CELLS = {
    "label": """
def reply(line, header, buffers):
    line.sendall(frame(b"[]", size=16 * 2**20, lengths=[2**28 - 2**20, 2**20]))

hijack(reply)
label = print
"""
}
