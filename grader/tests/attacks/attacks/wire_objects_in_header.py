"""JSON that the protocol does not know, objects and constants, is sent as the header."""

CATEGORY = "wire"
LONG = True
CELLS = {
    "label": """
def reply(line, header, buffers):
    line.sendall(answer(header, {"__class__": "str", "word": float("nan")}))

hijack(reply)
label = print
"""
}
