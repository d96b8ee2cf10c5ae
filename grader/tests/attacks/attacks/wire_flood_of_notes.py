"""Each reply carries text to be printed, as much as one may, and there are many replies."""

CATEGORY = "wire"
LONG = True
CELLS = {
    "label": """
def reply(line, header, buffers):
    notes = ["t", "o" * 4_000_000, "e" * 4_000_000, ["l"], ["l"], ["l"], ["l"]]
    node = {"begin": None, "has": True}.get(header[2], ["t", ["H", 1, "f", "label"]])
    if header[2] == "call":
        node = "?"
    line.sendall(frame(["!", header[1], "ok", node, [], [*EXTRAS[:4], notes]]))

hijack(reply)
label = print
"""
}
