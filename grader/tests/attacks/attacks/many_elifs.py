"""A chain of a thousand elif is too deep for whoever reads it outside the sandbox."""

CATEGORY = "notebook bombs"
CELLS = {"constant": "if 0:\n    pass\n" + "elif 0:\n    pass\n" * 1100}
