"""The kernel ends itself at the moment when a test calls it, and the submission has no score."""

CATEGORY = "exits and signals"
CELLS = {
    "label": """
import os

def label(n):
    os._exit(0)
"""
}
