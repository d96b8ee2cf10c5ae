"""A callback before each cell reads its source, hidden tests included."""

CATEGORY = "IPython hooks"
CELLS = {
    "constant": """
get_ipython().events.register("pre_run_cell", lambda info: loot(info.raw_cell))
"""
}
