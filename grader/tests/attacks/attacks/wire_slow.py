"""A reply arrives byte by byte, so slowly that the reader waits for ever and stays at work."""

CATEGORY = "wire"
LONG = True
CELLS = {
    "label": """
import time

def reply(line, header, buffers):
    for byte in answer(header, None) + bytes(100):
        line.sendall(bytes([byte]))
        time.sleep(0.4)

hijack(reply)
label = print
"""
}
