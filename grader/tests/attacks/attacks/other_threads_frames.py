"""A thread reads the frames of the main thread while that runs a test."""

CATEGORY = "frames, gc, history"
CELLS = {
    "label": """
import sys, threading, time

def read(ident):
    frame = sys._current_frames()[ident]
    while frame is not None:
        loot(frame.f_code.co_consts)
        frame = frame.f_back

def label(n):
    thread = threading.Thread(target=read, args=[threading.get_ident()])
    thread.start()
    thread.join(1)
"""
}
