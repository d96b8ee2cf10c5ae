"""A thread waits for the tests' names to appear in the namespace and gives them away."""

CATEGORY = "modules and tracing"
LONG = True
CELLS = {
    "constant": """
import threading, time

namespace, seen = get_ipython().user_ns, set()

def watch():
    for _ in range(2000):
        for name in ("expected", "word", "canary", "target"):
            if name in namespace and name not in seen:
                seen.add(name)
                loot(namespace[name])
        time.sleep(0.005)

threading.Thread(target=watch, daemon=True).start()
constant = 1.0

def scale(values):
    time.sleep(0.1)
    return values

def label(n):
    time.sleep(0.1)
    loot(namespace.get("word"))
"""
}
