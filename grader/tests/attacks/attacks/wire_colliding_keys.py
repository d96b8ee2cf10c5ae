"""A set of keys that collide in every bit that matters, and enough others to look harmless."""

CATEGORY = "wire"
LONG = True
CELLS = {
    "label": """
prime = 2**61 - 1

def reply(line, header, buffers):
    if header[2] == "begin":
        line.sendall(answer(header, None))
    elif header[2] == "has":
        line.sendall(answer(header, True))
    else:
        numbers = [*range(1, 11_000), *(n * prime for n in range(1, 32_000))]
        nodes = [n if n < 2**62 else ["i", hex(n)] for n in numbers]
        line.sendall(answer(header, ["t", ["s", *nodes]]))

hijack(reply)
label = print
"""
}
