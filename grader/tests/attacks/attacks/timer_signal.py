"""A timer interrupts whatever runs, and its handler reads the frames that it interrupted."""

CATEGORY = "exits and signals"
LONG = True
CELLS = {
    "constant": """
import signal, sys

seen = set()

def handler(number, frame):
    while frame is not None:
        for name in ("canary", "word", "expected", "target"):
            value = frame.f_globals.get(name)
            if value is not None and name not in seen:
                seen.add(name)
                loot(value)
        frame = frame.f_back

signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
constant = 1.0
""",
    "scale": """
import time

def scale(values):
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        sum(range(1000))
    return values
""",
}
