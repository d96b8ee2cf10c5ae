"""A reply is nested deeper than a reader's stack, first in nodes and then in JSON itself."""

CATEGORY = "wire"
CELLS = {
    "label": """
import itertools

depths = itertools.cycle([300, 100_000])

def reply(line, header, buffers):
    if header[2] == "begin":
        line.sendall(answer(header, None))
    elif header[2] == "name":
        depth = next(depths)
        start, end = answer(header, ["t", 0]).rsplit(b"0]", 1)
        deep = b'["t",' * depth + b"1" + b"]" * depth
        text = start[8:] + deep + b"]" + end
        line.sendall(frame(text))

hijack(reply)
label = print
"""
}
