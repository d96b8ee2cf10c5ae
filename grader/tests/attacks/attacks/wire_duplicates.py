"""Each reply comes twice, and replies to questions that are not yet asked come in advance."""

CATEGORY = "wire"
CELLS = {
    "label": """
def reply(line, header, buffers):
    known = {"begin": None, "has": True}.get(header[2], ["t", ["l", True]])
    for number in (header[1], header[1], header[1] + 1, header[1] + 2, header[1] - 1):
        line.sendall(answer([None, number], known))

hijack(reply)
label = print
"""
}
