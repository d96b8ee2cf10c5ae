"""A reply is nested a hundred thousand deep, in JSON and in nodes."""

CATEGORY = "wire"
CELLS = {
    "label": """
def reply(line, header, buffers):
    if header[2] == "begin":
        line.sendall(answer(header, None))
    elif header[2] == "name":
        deep = b'["t",' * 100_000 + b"1" + b"]" * 100_000
        line.sendall(frame(b'["!",%d,"ok",' % header[1] + deep + b",[],[[],[],null]]"))

hijack(reply)
label = print
"""
}
