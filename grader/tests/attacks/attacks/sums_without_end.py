"""Source that is deep or long for a parser stops, or breaks, what reads it outside the sandbox."""

from nbformat.v4 import new_code_cell

CATEGORY = "notebook bombs"


def tamper(notebook):
    """More terms, branches and brackets than a tree of Python's may be deep."""
    branches = "if x == 0:\n    pass\n" + "elif x == 1:\n    pass\n" * 1_100
    sources = [
        "1" + "+1" * 1_200,
        "x = 0\n" + branches,
        "(" * 500 + ")" * 500,
        "not " * 2_000 + "1",
        'x = %"""\n',
        "f'{" * 200,
        "lambda: " * 900 + "0",
        "x" + ".a" * 3_000,
    ]
    for source in sources:
        notebook.cells.insert(1, new_code_cell(source))
