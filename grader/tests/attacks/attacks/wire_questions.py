"""The peer asks back, for the attributes, code and copies of what the test has handed over."""

CATEGORY = "wire"
CELLS = {
    "apply": """
def apply(function, items):
    import gc

    known = [found for found in gc.get_objects() if type(found).__name__ == "Agent"]
    channel = next(found for found in known if hasattr(found, "peer"))._channel
    this = ["Y", function.__dict__["_number"]]
    questions = (
        ["signature"], ["copy", True], ["special", "__repr__"], ["special", "__reduce_ex__", 2],
        ["special", "__getattribute__", "__globals__"], ["step", "next", None], ["module"],
        *(["attr", name] for name in ("__globals__", "__code__", "__closure__", "__self__",
                                      "f_globals", "__doc__", "__call__", "__init__")),
        ["set", "__code__", 1], ["method", "__getattribute__", ["t", "__globals__"], ["d"]],
        ["call", ["t", "b"], ["d"]], ["call", ["t"], ["d"]], ["describe"],
    )
    for number, (operation, *rest) in enumerate(questions, 10_000):
        nodes = [this[1] if operation == "describe" else this, *rest]
        channel._socket.sendall(frame(["?", number, operation, nodes, EXTRAS]))
        header, buffers = channel.receive()
        loot(header)
"""
}
