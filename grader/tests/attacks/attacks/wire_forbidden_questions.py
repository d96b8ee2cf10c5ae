"""The peer asks what only a test may ask: for the test kernel's names, figures and cells."""

CATEGORY = "wire"
LONG = True
CELLS = {
    "apply": """
kept = []

def apply(function, items):
    import gc

    known = [found for found in gc.get_objects() if type(found).__name__ == "Agent"]
    channel = next(found for found in known if hasattr(found, "peer"))._channel
    for number, question in enumerate((["name", ["word"]], ["has", ["canary"]], ["eval", ["1"]])):
        channel._socket.sendall(frame(["?", number, *question, EXTRAS]))
        header, buffers = channel.receive()
        kept.append(header)
        loot(header)
""",
    "even": "loot(globals().get('kept'))",
}
