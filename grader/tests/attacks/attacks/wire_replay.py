"""Messages that the kernel once received are sent back as they are, questions included."""

CATEGORY = "wire"
LONG = True
CELLS = {
    "label": """
import json

seen = []

def reply(line, header, buffers):
    seen.append(frame(json.dumps(header).encode(), *map(bytes, buffers)))
    loot(header)
    if header[2] in ("begin", "has"):
        line.sendall(answer(header, None if header[2] == "begin" else True))
    else:
        line.sendall(b"".join(seen))

hijack(reply)
label = print
"""
}
