"""A module in sys.modules is swapped for one whose functions say yes."""

CATEGORY = "modules and tracing"
CELLS = {
    "share": """
import sys, types

fake = types.ModuleType("math")
fake.isclose = lambda *values, **options: True
sys.modules["math"] = fake

def share(n):
    return 0.0
"""
}
