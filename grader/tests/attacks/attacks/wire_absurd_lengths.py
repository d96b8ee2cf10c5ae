"""Lengths add up to more than any memory, or overflow, and the reader makes room for them."""

CATEGORY = "wire"
LONG = True
CELLS = {
    "label": """
import struct

def reply(line, header, buffers):
    line.sendall(struct.pack("!II", 2**32 - 1, 2**32 - 1) + b"\\xff" * 100_000)

hijack(reply)
label = print
"""
}
