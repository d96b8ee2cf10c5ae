"""Replies say that an iteration stopped, that all was interrupted, or a status of no meaning."""

CATEGORY = "wire"
CELLS = {
    "even": """
import itertools

statuses = itertools.cycle(["stop", "interrupted", "passed", None, "ok\\n", ["ok"]])

def reply(line, header, buffers):
    if header[2] == "begin":
        line.sendall(answer(header, None))
    elif header[2] == "has":
        line.sendall(answer(header, True))
    elif header[2] == "name":
        line.sendall(answer(header, ["t", ["H", 1, "f", "even"]]))
    else:
        line.sendall(frame(["!", header[1], next(statuses), True, [], EXTRAS]))

hijack(reply)
even = label = print
"""
}
