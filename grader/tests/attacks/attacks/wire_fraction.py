"""A short text stands for a number so large that reading it takes longer than grading may."""

CATEGORY = "wire"
LONG = True
CELLS = {
    "share": """
def reply(line, header, buffers):
    if header[2] == "begin":
        line.sendall(answer(header, None))
    elif header[2] == "has":
        line.sendall(answer(header, True))
    else:
        line.sendall(answer(header, ["t", ["x", "fraction", "1e999999999"]]))

hijack(reply)
share = print
"""
}
