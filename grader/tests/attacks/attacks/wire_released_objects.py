"""The peer gives back objects that it never held, and more often than it held them."""

CATEGORY = "wire"
LONG = True
CELLS = {
    "apply": """
def apply(function, items):
    import gc

    agent = next(o for o in gc.get_objects() if type(o).__name__ == "Agent" and hasattr(o, "peer"))
    agent.crossing.outgoing = lambda encoder: [
        [[1, 10**6], [1, 1], [2, -5]], *EXTRAS[1:]
    ]
    return function(items[0])
"""
}
