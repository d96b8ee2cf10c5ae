"""A class is described with every special method and claims to be a library's own."""

CATEGORY = "wire"
CELLS = {
    "constant": """
specials = "__eq__ __ne__ __lt__ __le__ __sub__ __rsub__ __abs__ __float__ __bool__ __len__".split()

def reply(line, header, buffers):
    operation = header[2]
    if operation == "begin":
        line.sendall(answer(header, None))
    elif operation == "has":
        line.sendall(answer(header, True))
    elif operation == "name":
        line.sendall(answer(header, ["t", ["H", 7, "o", ["H", 8, "c"]]]))
    elif operation == "describe":
        node = ["t", "float", "builtins", None, "", ["l"], ["l", *specials], ["l"], None]
        line.sendall(answer(header, node))
    elif operation == "special":
        loot(header)
        line.sendall(answer(header, 0.0 if header[3][1] in specials[4:8] else True))
    else:
        line.sendall(answer(header, ["H", 7, "o", ["H", 8, "c"]]))

hijack(reply)
constant = scale = label = total = print
"""
}
