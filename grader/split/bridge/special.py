"""Names of special methods: those that a mirror passes on, and those that meet another value."""

from __future__ import annotations

ARITHMETIC = "add sub mul truediv floordiv mod divmod pow matmul and or xor lshift rshift"
_OTHERS = (
    "len getitem setitem delitem contains iter next reversed call enter exit str repr bool hash "
    "int float complex index abs neg pos invert round trunc floor ceil lt le gt ge eq ne format "
    "missing"
)
SPECIALS = frozenset(
    f"__{prefix}{name}__"
    for prefix, names in (
        ("", ARITHMETIC),
        ("r", ARITHMETIC),
        ("i", ARITHMETIC),
        ("", _OTHERS),
    )
    for name in names.split()
)
"""Special methods that a mirror passes on."""

COMPARING = frozenset({"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"})
MEETING = (
    COMPARING
    | {f"__{prefix}{name}__" for prefix in ("", "r", "i") for name in ARITHMETIC.split()}
    | {"__contains__"}
)
