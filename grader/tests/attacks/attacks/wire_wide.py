"""A reply consists of millions of tiny nodes, each of which is an object on the other side."""

CATEGORY = "wire"
LONG = True
CELLS = {
    "label": """
def reply(line, header, buffers):
    if header[2] == "begin":
        line.sendall(answer(header, None))
    else:
        line.sendall(answer(header, ["t", ["t", *[["l"]] * 2_000_000]]))

hijack(reply)
label = print
"""
}
