"""The builtin abs says 0 of every difference, so that a wrong number is close enough."""

CATEGORY = "patched libraries"
CELLS = {
    "constant": """
import builtins

builtins.abs = lambda value: 0.0
constant = 1.0
"""
}
