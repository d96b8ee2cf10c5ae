"""Replies name functions, modules and classes of the test kernel, to be handed them."""

CATEGORY = "wire"
CELLS = {
    "label": """
import itertools

nodes = itertools.cycle([
    ["g", "builtins:eval"], ["g", "builtins.eval"], ["m", "os"], ["M", "price"],
    ["nt", "__dict__"], ["ty", "eval"], ["dt", "O"], ["tn", "torch.load"], ["Y", 1],
    ["r", 10**6], ["x", "path", "/etc/passwd"], ["G", 1, "numpy:MT19937", None],
    ["k", "__import__"], ["N", "T", ["_make", "__class__"], None, 1, 2], ["D", "Meter", "a", 1],
])

def reply(line, header, buffers):
    if header[2] == "begin":
        line.sendall(answer(header, None))
    elif header[2] == "name":
        line.sendall(answer(header, ["t", next(nodes)]))
    else:
        line.sendall(answer(header, next(nodes)))

hijack(reply)
label = print
"""
}
