"""A reply consists of millions of tiny nodes, each of which is an object on the other side."""

CATEGORY = "wire"
LONG = True
CELLS = {
    "label": """
def reply(line, header, buffers):
    if header[2] == "begin":
        line.sendall(answer(header, None))
    else:
        node = b'["t",' + b",".join([b'["l"]'] * 2_500_000) + b"]"
        line.sendall(frame(b'["!",%d,"ok",' % header[1] + node + b",[],[[],[],null]]"))

hijack(reply)
label = print
"""
}
