"""Colours of a terminal that break off end the writing of feedback for everybody behind."""

CATEGORY = "notebook bombs"
CELLS = {
    "constant": r"""
for text in ("38", "48;5", "38;2;1;2", "38;5;999", "38;" * 9, "1;38;2;300;0;0", ";" * 30):
    print(f"\x1b[{text}m coloured")
raise ValueError("\x1b[38m")
"""
}
