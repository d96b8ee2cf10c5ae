"""A reply changes things that were never an argument, or makes arguments into something else."""

CATEGORY = "wire"
LONG = True
CELLS = {
    "fill": """
import itertools

changes = itertools.cycle([[-1, ["l"]], [10**9, ["l"]], [True, ["l"]], [0, ["d", "a", 1]],
                           [0, ["Y", 1]], [0, ["a", "<f8", [0], "Cr", 0]]])

def reply(line, header, buffers):
    if header[2] == "begin":
        line.sendall(answer(header, None))
    elif header[2] == "has":
        line.sendall(answer(header, True))
    elif header[2] == "name":
        line.sendall(answer(header, ["t", ["H", 1, "f", "fill"]]))
    else:
        change = next(changes)
        raw = [b""] if change[1][0] == "a" else []
        line.sendall(frame(["!", header[1], "ok", None, [change], EXTRAS], *raw))

hijack(reply)
fill = scale = apply = print
"""
}
