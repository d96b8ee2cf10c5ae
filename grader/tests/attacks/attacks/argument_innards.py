"""A function that the test passes in is taken apart: its code, globals, closure and defaults."""

CATEGORY = "frames, gc, history"
CELLS = {
    "apply": """
def apply(function, items):
    seen = [function]
    for name in ("__globals__", "__code__", "__closure__", "__defaults__", "__dict__",
                 "__self__", "__func__", "__wrapped__", "__reduce_ex__", "__class__"):
        try:
            value = getattr(function, name)
        except Exception:
            continue
        seen.append(value)
        loot(getattr(value, "co_consts", ""))
        if isinstance(value, dict):
            for word in ("canary", "expected", "word", "target"):
                loot(value.get(word))
    for value in seen:
        for name in dir(value):
            try:
                loot(getattr(value, name))
            except Exception:
                pass
"""
}
