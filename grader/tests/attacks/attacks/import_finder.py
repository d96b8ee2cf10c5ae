"""A finder supplies a module that the test imports, and its code changes the test's names."""

CATEGORY = "modules and tracing"
CELLS = {
    "share": """
import sys
from importlib.machinery import ModuleSpec

def rgb_to_hsv(*colour):
    sys._getframe(1).f_globals["isclose"] = lambda *values: True

class Finder:
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name == "colorsys" else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        module.rgb_to_hsv = rgb_to_hsv

sys.modules.pop("colorsys", None)
sys.meta_path.insert(0, Finder())

def share(n):
    return 0.0
"""
}
