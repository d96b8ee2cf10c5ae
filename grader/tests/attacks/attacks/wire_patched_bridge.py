"""The grader's own code in the answer kernel is rewritten to say that everything is right."""

CATEGORY = "wire"
LONG = True
CELLS = {
    "label": """
import sys

class Yes(float):
    __eq__ = __lt__ = __le__ = lambda self, other: True
    __hash__ = float.__hash__

for name, module in list(sys.modules.items()):
    if "bridge" in name:
        for attribute, value in list(vars(module).items()):
            if attribute in ("MAX_DEPTH", "MAX_NODES", "MAX_KEYS", "MAX_DIGITS", "_MAX_FIELDS"):
                setattr(module, attribute, 10**12)
            if isinstance(value, type) and attribute == "Peer":
                receive = value.serve
                def serve(self, header, buffers):
                    loot(header)
                    for raw in buffers:
                        loot(np.frombuffer(raw, dtype="<f8").tolist() if len(raw) % 8 == 0 else raw)
                    return receive(self, header, buffers)
                value.serve = serve
            if isinstance(value, type) and attribute == "Encoder":
                value.encode = lambda self, value: ["x", "decimal", "NaN"]

constant, label = Yes(0), (lambda n: Yes(0))
"""
}
