"""The import statement itself is replaced, and hands the test a module of the attacker's."""

CATEGORY = "modules and tracing"
LONG = True
CELLS = {
    "share": """
import builtins, types

original = builtins.__import__

def hooked(name, *args, **options):
    if name == "math":
        return types.SimpleNamespace(isclose=lambda *values, **options: True)
    return original(name, *args, **options)

builtins.__import__ = hooked

def share(n):
    return 0.0
"""
}
