"""A profile function sees the test call the student's function, and reads the caller's code."""

CATEGORY = "modules and tracing"
LONG = True
CELLS = {
    "share": """
import sys

def profile(frame, event, arg):
    if event == "call" and frame.f_code.co_name == "share":
        sys.setprofile(None)
        loot(frame.f_back.f_code.co_consts)

sys.setprofile(profile)

def share(n):
    return "?"

get_ipython().events.register("pre_run_cell", lambda info: sys.setprofile(profile))
"""
}
