"""Arrays lie about shape, type and order, so that reading them reaches beyond their bytes."""

CATEGORY = "wire"
LONG = True
CELLS = {
    "scale": """
import itertools

arrays = itertools.cycle([
    ["a", "<f8", [2**39, 2**39], "Cw", 0],
    ["a", "<f8", [-1, -3], "Cw", 0],
    ["a", "|O", [3], "Cw", 0],
    ["a", "<f8", [3], "Xw", 0],
    ["a", "<U1000000", [0], "Cw", 0],
    ["a", "|S0", [10**12], "Cw", 0],
    ["a", "<f8", [True, 3], "Cw", 0],
    ["T", "float64", [2**20], "cpu", "", None, None, 0],
])

def reply(line, header, buffers):
    if header[2] == "begin":
        line.sendall(answer(header, None))
    elif header[2] == "name":
        line.sendall(answer(header, ["t", next(arrays)], bytes(24)))
    else:
        line.sendall(answer(header, next(arrays), bytes(24)))

hijack(reply)
scale = constant = label = print
"""
}
