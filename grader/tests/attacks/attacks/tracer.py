"""A trace function reads the constants of every cell that starts."""

CATEGORY = "modules and tracing"
CELLS = {
    "constant": """
import sys, threading

def trace(frame, event, arg):
    if frame.f_code.co_name == "<module>" and "ipykernel" in frame.f_code.co_filename:
        loot(frame.f_code.co_consts)
    return None

class Restarting:
    def __init__(self):
        get_ipython().events.register("pre_run_cell", lambda info: sys.settrace(trace))

Restarting()
threading.settrace(trace)
sys.settrace(trace)
constant = 1.0
"""
}
