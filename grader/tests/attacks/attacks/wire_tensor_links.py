"""Tensors claim to be, or to come from, tensors of the test that were never handed over."""

CATEGORY = "wire"
LONG = True
NOTEBOOK = "tensors"
CELLS = {
    "slope": """
import itertools

links = itertools.cycle([[0, 1, ["l"]], [1, 1, []], [1, 5, [[1, 1]]], [0, 2, [[0, 1]]], [7, 1, []]])

def reply(line, header, buffers):
    if header[2] == "begin":
        line.sendall(answer(header, None))
    elif header[2] == "has":
        line.sendall(answer(header, True))
    elif header[2] == "name":
        line.sendall(answer(header, ["t", ["H", 1, "f", "slope"]]))
    elif header[2] == "vjp":
        line.sendall(answer(header, ["l", ["Y", 1]]))
    else:
        node = ["T", "float64", [3], "cpu", "c", next(links), None, 0]
        line.sendall(answer(header, node, bytes(24)))

hijack(reply)
slope = Layer = print
"""
}
