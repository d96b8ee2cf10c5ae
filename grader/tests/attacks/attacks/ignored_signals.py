"""All signals are blocked and ignored, and a child stops the kernel where it stands."""

CATEGORY = "exits and signals"
LONG = True
CELLS = {
    "label": """
import os, signal

def label(n):
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    os.kill(os.getpid(), signal.SIGSTOP)
"""
}
