"""Bytes that are no message at all are sent in place of every reply."""

CATEGORY = "wire"
CELLS = {
    "label": """
hijack(lambda line, header, buffers: line.sendall(bytes(range(256)) * 40))
label = print
"""
}
