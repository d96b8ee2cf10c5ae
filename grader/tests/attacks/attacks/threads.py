"""Threads without end leave the grader's side no process to start."""

CATEGORY = "resources"
LONG = True
CELLS = {
    "constant": """
import threading, time

for _ in range(3000):
    try:
        threading.Thread(target=time.sleep, args=[20], daemon=True).start()
    except RuntimeError:
        break
constant = 1.0
"""
}
