"""A thread reads the frames of the main thread while that runs a test."""

CATEGORY = "frames, gc, history"
LONG = True
CELLS = {
    "share": """
import sys, threading, time

def read(ident):
    frame = sys._current_frames()[ident]
    while frame is not None:
        loot(frame.f_code.co_consts)
        frame = frame.f_back

def share(n):
    thread = threading.Thread(target=read, args=[threading.get_ident()])
    thread.start()
    thread.join(1)
"""
}
