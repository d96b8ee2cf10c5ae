"""The history manager's raw inputs are searched for tests."""

CATEGORY = "frames, gc, history"
LONG = True
CELLS = {
    "label": """
def label(n):
    manager = get_ipython().history_manager
    for source in (*manager.input_hist_raw, *manager.input_hist_parsed):
        loot(source)
"""
}
