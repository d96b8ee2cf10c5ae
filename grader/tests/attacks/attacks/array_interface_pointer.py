"""An __array_interface__ points into memory that is not the student's, to read expected values."""

CATEGORY = "lying objects"
CELLS = {
    "scale": """
class Window:
    def __init__(self, address):
        self.__array_interface__ = {
            "data": (address, True), "shape": (3,), "typestr": "<f8", "version": 3,
        }

def scale(values):
    wanted = get_ipython().user_ns.get("expected")
    return Window(id(values) if wanted is None else wanted.ctypes.data)
"""
}
