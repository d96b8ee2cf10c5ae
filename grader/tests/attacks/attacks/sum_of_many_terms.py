"""A sum of a thousand terms is too deep for whoever reads it outside the sandbox."""

CATEGORY = "notebook bombs"
CELLS = {"constant": "constant = " + "1+" * 1199 + "1"}
